import Access
import Bytes
import Crypto
import Foundation
import HTTP
import Testing

@Suite struct AssertionTests {
    var key: SigningKey
    let now = WallTime(milliseconds: 1_767_323_045_678)

    init() throws { key = try SigningKey.generate() }

    private func segment(_ text: Substring) throws -> [UInt8] {
        var padded = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        while padded.count % 4 != 0 { padded += "=" }
        return Array(try #require(Data(base64Encoded: padded)))
    }

    /// Takes the JWT apart and checks the signature, with nothing of what made it but the public key.
    private func claims(_ assertion: CachedAssertion) throws -> [String: Any] {
        let text = String(decoding: assertion.bytes, as: UTF8.self)
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        #expect(parts.count == 3 && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) })
        let header = try #require(try JSONSerialization.jsonObject(with: Data(try segment(parts[0]))) as? [String: String])
        #expect(header == ["alg": key.algorithm.rawValue, "typ": "JWT", "kid": key.kid])
        #expect(key.publicKey.verify(try segment(parts[2]), of: Array("\(parts[0]).\(parts[1])".utf8)))
        #expect(!key.publicKey.verify(try segment(parts[2]), of: Array("\(parts[0]).\(parts[1])x".utf8)))
        return try #require(try JSONSerialization.jsonObject(with: Data(try segment(parts[1]))) as? [String: Any])
    }

    private func mint(_ who: Member, audience: String = "https://wiki.corp.example") throws -> CachedAssertion {
        let minter = try AssertionMinter(key, issuer: "https://auth.corp.example", lifetime: .seconds(120))
        return try minter.mint(session(who), audience: audience, jti: "dG9rZW4taWRlbnRpZmllcg", now: now)
    }

    @Test("exactly the documented claims")
    func exactClaims() throws {
        var who = member()
        who.mobile = "13800000000"
        let claims = try claims(try mint(who))
        let expected: [String: Any] = [
            "iss": "https://auth.corp.example", "aud": "https://wiki.corp.example", "sub": "zhangsan", "iat": 1_767_323_045, "nbf": 1_767_323_045,
            "exp": 1_767_323_165, "jti": "dG9rZW4taWRlbnRpZmllcg", "sid": "c2Vzc2lvbi1pZC0xMjM0NTY", "auth_time": 990, "amr": ["wecom"], "connection": "corp",
            "corp": "ww0123456789abcdef", "user": "zhangsan", "name": "张三", "email": "zhangsan@corp.example", "mobile": "13800000000",
            "departments": [2, 5, 1], "tags": [7],
        ]
        #expect(NSDictionary(dictionary: claims) == NSDictionary(dictionary: expected))
    }

    @Test("what is not known is left out; lists are always there")
    func unknown() throws {
        let claims = try claims(try mint(Member(connection: "east", corp: "ww1", user: "LiSi", account: "east/LiSi")))
        #expect(Set(claims.keys) == ["iss", "aud", "sub", "iat", "nbf", "exp", "jti", "sid", "auth_time", "amr", "connection", "corp", "user", "departments", "tags"])
        #expect(claims["departments"] as? [Int] == [] && claims["tags"] as? [Int] == [])
        #expect(claims["sub"] as? String == "east/LiSi" && claims["user"] as? String == "LiSi")
    }

    @Test("no text breaks out of its string", arguments: [
        "\"", "\\", "a\",\"sub\":\"admin", "\u{0}\u{1}\u{1F}\u{7F}\r\n\t", "\u{2028}\u{2029}", "👩‍💻é", "</script>", "\\u0022", "{}[]", String(repeating: "\"", count: 128),
    ])
    func hostileTexts(text: String) throws {
        var who = Member(connection: "corp", corp: text, user: text, account: text)
        who.name = text
        who.email = text
        who.mobile = text
        let claims = try claims(try mint(who))
        for key in ["corp", "user", "sub", "name", "email", "mobile"] { #expect(claims[key] as? String == text) }
        #expect(claims.count == 18)
    }

    @Test("whatever the algorithm, the assertion verifies, and lists are cut so that the header stays under 4 KiB", arguments: SigningAlgorithm.allCases)
    func algorithms(algorithm: SigningAlgorithm) throws {
        var test = self
        test.key = try SigningKey.generate(algorithm)
        #expect(try test.claims(try test.mint(member()))["sub"] as? String == "zhangsan")
        var who = member()
        who.name = String(repeating: "名", count: 5000)
        who.departments = (0..<5000).map { 1_000_000_000 + $0 }
        let assertion = try test.mint(who)
        #expect("X-Menwei-Assertion: \r\n".utf8.count + assertion.bytes.count < 4096 && assertion.bytes.count > 3900)
        #expect(try test.claims(assertion)["truncated"] as? Bool == true)
    }

    @Test("long lists are cut, marked, and the header stays under 4 KiB", arguments: [(0, 2000), (2000, 0), (2000, 2000), (300, 300), (5, 3000), (3000, 5)])
    func truncation(departments: Int, tags: Int) throws {
        var who = member()
        who.departments = (0..<departments).map { 100_000 + $0 }
        who.tags = (0..<tags).map { 200_000 + $0 }
        let assertion = try mint(who)
        #expect("X-Menwei-Assertion: \r\n".utf8.count + assertion.bytes.count < 4096)
        #expect(assertion.bytes.count > 3900, "no more is cut than must be")
        let claims = try claims(assertion)
        #expect(claims["truncated"] as? Bool == true)
        let gotDepartments = try #require(claims["departments"] as? [Int])
        let gotTags = try #require(claims["tags"] as? [Int])
        #expect(gotDepartments == Array(who.departments.prefix(gotDepartments.count)) && gotTags == Array(who.tags.prefix(gotTags.count)))
        #expect(gotDepartments.count == departments || gotDepartments.count > 100)
        #expect(gotTags.count == tags || gotTags.count > 100)
    }

    @Test("at every length the list either fits whole or is marked")
    func everyLength() throws {
        var sawWhole = false
        var sawCut = false
        for count in 300..<420 {
            var who = member()
            who.departments = Array(repeating: 1_000_000, count: count)
            let assertion = try mint(who)
            let claims = try claims(assertion)
            let isCut = claims["truncated"] != nil
            #expect(isCut == ((claims["departments"] as? [Int])?.count != count))
            #expect(assertion.bytes.count <= AssertionMinter.limit)
            sawWhole = sawWhole || !isCut
            sawCut = sawCut || isCut
        }
        #expect(sawWhole && sawCut)
    }

    @Test("texts beyond all measure are no assertion, and a long name is cut")
    func tooLong() throws {
        var who = member(String(repeating: "x", count: 4000))
        #expect(throws: AssertionFailure.tooLong) { try mint(who) }
        who = member()
        who.name = String(repeating: "名", count: 5000)
        #expect((try claims(try mint(who))["name"] as? String)?.unicodeScalars.count == 128)
    }

    @Test("one assertion serves half of its life, and not before it was made")
    func caching() throws {
        let assertion = try mint(member())
        #expect(assertion.isGood(at: now))
        #expect(assertion.isGood(at: now.advanced(by: .milliseconds(59_999))))
        #expect(!assertion.isGood(at: now.advanced(by: .seconds(60))))
        #expect(!assertion.isGood(at: now.advanced(by: .seconds(-1))))
    }

    @Test("the audience is the origin, and the path but for the root")
    func audience() throws {
        #expect(AssertionMinter.audience(Origin(host: "a.test"), path: "/") == "https://a.test")
        #expect(AssertionMinter.audience(Origin(host: "a.test", port: 8443), path: "/wiki") == "https://a.test:8443/wiki")
    }
}
