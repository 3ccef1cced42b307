import HTTP
import Testing

@Suite struct CanonicalTargetTests {
    private func target(_ text: String) throws(ProtocolFault) -> CanonicalTarget {
        let bytes = text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        #expect(Checks.target(bytes) == nil)
        return try CanonicalTarget(bytes.span)
    }

    private func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }

    @Test(arguments: [
        ("/", "/", "/", nil), ("/a/b", "/a/b", "/a/b", nil), ("/a?b=//c&d=../%zz", "/a?b=//c&d=../%zz", "/a", "b=//c&d=../%zz"), ("/a?", "/a?", "/a", ""),
        ("//admin", "/admin", "/admin", nil), ("///evil.test/x", "/evil.test/x", "/evil.test/x", nil), ("/a//b///c/", "/a/b/c/", "/a/b/c/", nil),
        ("/%7euser/%41%20b", "/%7euser/%41%20b", "/~user/A b", nil), ("/public/%252e%252e/admin", "/public/%252e%252e/admin", "/public/%2e%2e/admin", nil),
        ("/admin%3f/public", "/admin%3f/public", "/admin?/public", nil), ("/a%23b", "/a%23b", "/a#b", nil), ("/a%2Fb", "/a%2Fb", "/a/b", nil),
        ("/%E5%BC%A0", "/%E5%BC%A0", "/张", nil), ("/a;v=1/b", "/a;v=1/b", "/a;v=1/b", nil), ("/..a/.b/c../...", "/..a/.b/c../...", "/..a/.b/c../...", nil),
        ("/a?x=/public/?y", "/a?x=/public/?y", "/a", "x=/public/?y"), ("/%2f%2Fa", "/%2f%2Fa", "/a", nil), ("/.menwei/login", "/.menwei/login", "/.menwei/login", nil),
    ]) func oneFormIsForwardedAndOneCompared(_ raw: String, _ forwarded: String, _ path: String, _ query: String?) throws {
        let target = try target(raw)
        #expect(text(target.forwarded) == forwarded)
        #expect(text(target.path) == path)
        #expect(target.query.map { text(target.forwarded[$0]) } == query)
        #expect(text(target.forwarded.prefix(target.forwardedPathLength)) == forwarded.prefix { $0 != "?" })
    }

    static let refused = [
        ("T-24", "/public/../admin"), ("T-24", "/.."), ("T-24", "/."), ("T-24", "/./a"), ("T-24", "/a/."), ("T-25", "/public/%2e%2e/admin"), ("T-25", "/public/.%2e/admin"),
        ("T-25", "/public/%2E%2e%2Fadmin"), ("T-25", "/%2e"), ("T-26", "/public/..%2fadmin"), ("T-26", "/public/..%5cadmin"), ("T-26", "/public\\..\\admin"), ("T-26", "/public/..\\admin"),
        ("T-26", "/a%5Cb"), ("T-29", "/public//..//admin"), ("T-30", "/admin%23/../public"), ("T-30", "/public#/../admin"), ("T-30", "/a?b#c"), ("T-30", "/a?b\\c"),
        ("T-32", "/Admin%00.png"), ("T-32", "/admin%0a"), ("T-32", "/admin%1F"), ("T-32", "/admin%7f"), ("dots", "/a/..;x/b"), ("dots", "/a/..;"), ("dots", "/a/.;x=y/b"), ("dots", "/a/..%3Bx"),
        ("dots", "/a%2F..%2Fb"), ("dots", "/a%2f%2e"), ("dots", "/a/%2e%2e;x%2Fb"), ("dots", "/a;/../b"), ("escape", "/%"), ("escape", "/%2"), ("escape", "/a%zz"), ("escape", "/%%32e"), ("escape", "/%u002e"),
        ("bytes", "/a b"), ("bytes", "/\u{e9}"), ("bytes", "/a\u{7f}"), ("bytes", "/a?b c"), ("bytes", "/a\tb"), ("bytes", "/a?\u{ff}"), ("form", ""), ("form", "*"), ("form", "a/b"), ("form", "http://a/b"), ("form", "?a"),
    ]

    @Test(arguments: refused) func aPathThatMightClimbIsRefused(_ attack: String, _ raw: String) {
        #expect("\(attack)") { _ = try target(raw) } throws: { ($0 as? ProtocolFault)?.status == 400 }
    }

    @Test(arguments: ["/%ff", "/%c0%ae%c0%ae/", "/%E5%BC", "/%ED%A0%80", "/%b9%d9%cd%f8?x", "/%f4%90%80%80"]) func whatIsNotUTF8NeedsASiteThatTakesIt(_ raw: String) throws {
        let target = try target(raw)
        #expect(!target.isUTF8)
        #expect(throws: ProtocolFault("path-encoding")) { try target.check(anyEncoding: false, ignoreCase: false) }
        #expect(throws: Never.self) { try target.check(anyEncoding: true, ignoreCase: false) }
        #expect(try self.target("/%E5%BC%A0").isUTF8)
    }

    @Test(arguments: ["/a/...", "/a/%20/b", "/..%20/b", "/..%20;x", "/a/.%2e./b", "/a/%20."]) func whereDotsAndBlanksDoNotCountASegmentOfThemIsRefused(_ raw: String) throws {
        let target = try target(raw)
        #expect(throws: ProtocolFault("path-dots")) { try target.check(anyEncoding: false, ignoreCase: true) }
        #expect(throws: Never.self) { try target.check(anyEncoding: false, ignoreCase: false) }
    }

    @Test(arguments: [
        ("/a/b", ["/a/b"]), ("/a%2Fb", ["/a/b", "/a%2Fb"]), ("/a%2f%2fb/c", ["/a/b/c", "/a%2F%2Fb/c"]), ("/public%2F", ["/public/", "/public%2F"]),
        ("/a;x/b", ["/a;x/b", "/a/b", "/a"]), ("/a/b;x", ["/a/b;x", "/a/b"]), ("/a/b%3Bx", ["/a/b;x", "/a/b"]), ("/;/admin", ["/;/admin", "/admin", "/"]),
        ("/a;x%2Fadmin", ["/a;x/admin", "/a", "/a/admin", "/a;x%2Fadmin"]), ("/a%3Bx/b;y/c", ["/a;x/b;y/c", "/a;x/b/c", "/a/b/c", "/a"]),
    ]) func whatAnApplicationMightSeeIsListed(_ raw: String, _ readings: [String]) throws {
        let target = try target(raw)
        #expect(target.readings().map { text($0) } == readings)
        #expect(target.isAmbiguous == (readings.count > 1))
    }

    @Test func aValueCanBeUsedAgain() throws {
        var target = CanonicalTarget()
        for (raw, path) in [("/a%2Fb;x?y", "/a/b;x"), ("/c", "/c"), ("/%ff", nil), ("/d", "/d")] {
            try target.parse(Array(raw.utf8).span)
            if let path { #expect(text(target.path) == path) }
        }
        #expect(target.readings().count == 1 && target.query == nil && target.isUTF8)
    }

    @Test("segments taken off leave a path that begins with one slash", arguments: [
        ("/wiki/a", 1, "/a", "/wiki/a"), ("/wiki", 1, "/", "/wiki"), ("/wiki/", 1, "/", "/wiki/"), ("/wiki?x=/y", 1, "/?x=/y", "/wiki"), ("/wiki//a//b?c", 1, "/a/b?c", "/wiki/a/b"),
        ("//wiki//", 1, "/", "/wiki/"), ("/%77iki/a", 1, "/a", "/wiki/a"), ("/a/b/c/d", 2, "/c/d", "/a/b/c/d"), ("/a/b", 2, "/", "/a/b"), ("/wiki/%2Fx", 1, "/%2Fx", "/wiki/x"),
        ("/a", 3, "/", "/a"),
    ])
    func strip(_ sent: String, _ count: Int, _ forwarded: String, _ path: String) throws {
        var target = try CanonicalTarget(Array(sent.utf8).span)
        target.strip(segments: count)
        #expect(String(decoding: target.forwarded, as: UTF8.self) == forwarded)
        #expect(String(decoding: target.path, as: UTF8.self) == path)
        #expect(forwarded.utf8.dropFirst(target.forwardedPathLength).first ?? UInt8(ascii: "?") == UInt8(ascii: "?"))
    }
}
