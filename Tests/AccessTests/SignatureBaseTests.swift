import Access
import Bytes
import Crypto
import HTTP
import Testing

@Suite struct SignatureBaseTests {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    /// RFC 9421 appendix B.2.6.
    @Test("the base and its Ed25519 signature are those of RFC 9421")
    func vector() throws {
        let request = fields([("Host", "example.com"), ("Date", "Tue, 20 Apr 2021 02:07:55 GMT"), ("Content-Type", "application/json"), ("Content-Length", "18")])
        var base = SignatureBase()
        // What was there before leaves nothing behind.
        base.begin()
        base.cover("@method", Array("GET".utf8).span)
        base.endComponents()
        base.end()
        base.begin()
        base.cover("date", in: request) { _ in true }
        base.cover("@method", Array("POST".utf8).span)
        base.cover("@path", Array("/foo".utf8).span)
        base.cover(authority: Array("EXAMPLE.com:443".utf8).span, isTLS: true)
        base.cover("content-type", in: request) { _ in true }
        base.cover("content-length", in: request) { _ in true }
        base.endComponents()
        base.parameter("created", 1_618_884_473)
        base.parameter("keyid", "test-key-ed25519")
        base.end()
        #expect(text(base.bytes) == """
            "date": Tue, 20 Apr 2021 02:07:55 GMT
            "@method": POST
            "@path": /foo
            "@authority": example.com
            "content-type": application/json
            "content-length": 18
            "@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"
            """)
        let key = try SigningKey(pem: """
            -----BEGIN PRIVATE KEY-----
            MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
            -----END PRIVATE KEY-----

            """)
        let minter = try AssertionMinter(key, issuer: "https://auth.corp.example", lifetime: .seconds(120))
        var out = ByteQueue()
        try minter.sign(base, into: &out)
        var written: [UInt8] = []
        out.bytes.withUnsafeBufferPointer { written.append(contentsOf: $0) }
        #expect(text(written) == """
            Signature-Input: menwei=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"\r
            Signature: menwei=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:\r\n
            """)
    }

    @Test("the authority is in lower case, without the scheme's own port", arguments: [
        ("Wiki.Test", false, "wiki.test"), ("wiki.test:80", false, "wiki.test"), ("wiki.test:80", true, "wiki.test:80"), ("wiki.test:443", true, "wiki.test"),
        ("wiki.test:443", false, "wiki.test:443"), ("wiki.test:8443", true, "wiki.test:8443"), ("[::1]:80", false, "[::1]"), (":80", false, ":80"),
    ])
    func authority(host: String, isTLS: Bool, expected: String) {
        var base = SignatureBase()
        base.begin()
        base.cover(authority: Array(host.utf8).span, isTLS: isTLS)
        #expect(text(base.bytes) == "\"@authority\": \(expected)\n")
    }

    @Test("a target is its path as written, and its query with the question mark", arguments: [
        ("/a%20b/c", 8, "/a%20b/c", "?"), ("/a?", 2, "/a", "?"), ("/a?b=c?d", 2, "/a", "?b=c?d"), ("/", 1, "/", "?"),
    ])
    func target(target: String, pathLength: Int, path: String, query: String) {
        var base = SignatureBase()
        base.begin()
        base.cover(target: Array(target.utf8).span, pathLength: pathLength)
        #expect(text(base.bytes) == "\"@path\": \(path)\n\"@query\": \(query)\n")
        #expect(text(base.parameters) == "(\"@path\" \"@query\"")
    }

    @Test("of a field that stands there several times the values are one list; one that does not is not covered")
    func fieldLists() {
        let list = fields([("X-A", " one\t"), ("x-a", "two"), ("X-B", "no"), ("X-A", "left out")])
        var base = SignatureBase()
        base.begin()
        var seen = 0
        base.cover("x-a", in: list) { _ in
            seen += 1
            return seen < 4
        }
        base.cover("x-c", in: list) { _ in true }
        base.endComponents()
        #expect(text(base.bytes) == "\"x-a\": one, two\n" && text(base.parameters) == "(\"x-a\")")
    }

    @Test("texts of parameters are strings of structured fields")
    func strings() {
        var base = SignatureBase()
        base.begin()
        base.endComponents()
        base.parameter("nonce", "a\"b\\c")
        #expect(text(base.parameters) == "();nonce=\"a\\\"b\\\\c\"")
    }
}
