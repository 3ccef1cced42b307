import Bytes
import Crypto
import Proxy
import Testing

@testable import Simulator

@Suite struct SampleTests {
    static let now: Int64 = 1_800_000_000
    let key: SigningKey

    init() throws { key = try SigningKey.generate() }

    var keys: [UInt8] { Array("{\"keys\":[\(key.publicKey.jwk)]}".utf8) }

    func token(alg: String = "ES256", kid: String? = nil, _ changes: [String: JSON] = [:]) throws -> String {
        let claims = [
            "iss": "https://auth.localhost:8443", "aud": "https://wiki.localhost:8443", "sub": "zhangsan", "name": "张三",
            "iat": .int(Int(Self.now)), "nbf": .int(Int(Self.now)), "exp": .int(Int(Self.now) + 300),
        ].merging(changes) { $1 }
        let header = JSON.members(["alg": .string(alg), "typ": "JWT", "kid": .string(kid ?? key.kid)])
        let body = JSON.object(claims.map { .init(name: $0.key, value: $0.value) })
        let text = Base64URL.encode(header.bytes) + "." + Base64URL.encode(body.bytes)
        return text + "." + Base64URL.encode(try Signer(key).sign(Array(text.utf8)))
    }

    func verdict(_ token: String?, keys: [UInt8]? = nil, at now: Int64 = now) -> AssertionReport.Verdict {
        AssertionReport(token: token, keys: keys ?? self.keys, issuer: "https://auth.localhost:8443", audience: "https://wiki.localhost:8443", now: now).verdict
    }

    @Test func aGoodAssertionIsVerified() throws {
        #expect(try verdict(token()) == .verified)
        #expect(try verdict(token(["aud": .array(["https://a.example", "https://wiki.localhost:8443"])])) == .verified)
    }

    @Test func whatDoesNotFitIsNamed() throws {
        #expect(verdict(nil) == .absent)
        #expect(verdict("a.b") == .malformed)
        #expect(verdict("a.b.c") == .malformed)
        #expect(try verdict(token(alg: "none")) == .algorithm)
        #expect(try verdict(token(kid: "other")) == .unknownKey)
        #expect(try verdict(token(), keys: Array("<html>".utf8)) == .noKeys)
        #expect(try verdict(token(), keys: Array("{\"keys\":[{\"kid\":\"\(key.kid)\",\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}]}".utf8)) == .unknownKey)
        #expect(try verdict(token(["iss": "https://evil.example"])) == .issuer)
        #expect(try verdict(token(["aud": "https://other.example"])) == .audience)
        #expect(try verdict(token(), at: Self.now + 330) == .expired)
        #expect(try verdict(token(["exp": .int(.max)])) == .expired)
        #expect(try verdict(token(), at: Self.now - 31) == .notYetValid)
    }

    @Test func aChangedClaimOrAnotherKeyFails() throws {
        let good = try token().split(separator: ".").map(String.init)
        let forged = Base64URL.encode(Array("{\"sub\":\"lisi\"}".utf8))
        #expect(verdict([good[0], forged, good[2]].joined(separator: ".")) == .signature)
        let other = try SigningKey.generate()
        let swapped = other.publicKey.jwk.split(separator: other.kid).joined(separator: key.kid)
        #expect(try verdict(token(), keys: Array("{\"keys\":[\(swapped)]}".utf8)) == .signature)
    }

    func application() -> SampleApplication {
        let keys = keys
        return SampleApplication(issuer: "https://auth.localhost:8443", audience: "https://wiki.localhost:8443",
                                 now: { WallTime(seconds: Self.now) }, keys: { keys })
    }

    @Test func thePageShowsWhoAsksAndThatItIsProven() async throws {
        let answer = await application().respond(to: ownRequest("GET", "/a?b=c&d=%3C", fields: [
            ("Remote-User", "zhangsan"), ("Remote-Name", "%E5%BC%A0%E4%B8%89"), ("X-Menwei-Assertion", try token()), ("X-Other", "<b>"),
        ]))
        #expect(answer.status == 200)
        #expect(answer.page.contains("<strong id=\"who\">张三</strong>"))
        #expect(answer.page.contains("data-verdict=\"verified\""))
        #expect(answer.page.contains("<code id=\"target\">/a?b=c&amp;d=%3C</code>"))
        #expect(answer.page.contains("href=\"/.menwei/logout\""))
        #expect(answer.page.contains("&lt;b&gt;") && !answer.page.contains("<b>"))
        #expect(answer.text("Content-Security-Policy")?.contains("frame-ancestors 'none'") == true)
    }

    @Test func nobodyIsNobody() async {
        let page = await application().respond(to: ownRequest("GET", "/", fields: [("Accept-Language", "en")])).page
        #expect(page.contains("No identity"))
        #expect(page.contains("data-verdict=\"absent\""))
    }

    @Test func aFormComesBackEscaped() async {
        let page = await application().respond(to: ownRequest(
            "POST", "/", fields: [("Content-Type", "application/x-www-form-urlencoded")], body: "note=%3Cscript%3E+%E4%BD%A0")).page
        #expect(page.contains("<td>note</td><td>&lt;script&gt; 你</td>"))
    }

    @Test func echoTellsWhatCame() async throws {
        let answer = await application().respond(to: ownRequest("PUT", "/app/echo?x=%2F", fields: [("X-A", "1"), ("x-a", "2\u{1}")], body: "12345"))
        #expect(answer.text("Content-Type") == "application/json")
        #expect(answer.page == """
            {"method":"PUT","target":"/app/echo?x=%2F","headers":[["X-A","1"],["x-a","2\\u0001"]],"body_length":5}
            """)
    }

    @Test func otherMethodsAreRefused() async {
        #expect(await application().respond(to: ownRequest("DELETE", "/")).status == 405)
        #expect(await application().respond(to: ownRequest("GET", "/favicon.ico")).status == 404)
    }
}
