import Access
import HTTP
import Testing

private let hygiene = Hygiene(identityHeaders: IdentityHeader.defaults.map(\.name) + ["Remote-User", "X-WEBAUTH-USER", "Employee"])

/// Every spelling that some application folds to the same variable.
private func aliases(_ name: String) -> [String] {
    var all = [name, name.lowercased(), name.uppercased()]
    for mark in ["_", ".", "~", "'"] { all.append(name.replacing("-", with: mark)) }
    if let first = name.firstIndex(of: "-") { all.append(name.replacingCharacters(first, "_")) }
    return all
}

extension String {
    fileprivate func replacing(_ old: Character, with new: String) -> String { map { $0 == old ? new : String($0) }.joined() }
    fileprivate func replacingCharacters(_ at: Index, _ new: String) -> String { String(self[..<at]) + new + String(self[index(after: at)...]) }
}

@Suite struct HygieneTests {
    @Test("what states who is asking is removed in every spelling", arguments: [
        "X-Menwei-Assertion", "X-Menwei-", "X-Menwei-Anything-Else", "X-Forwarded-For", "X-Forwarded-User", "X-Forwarded-Uri", "X-Forwarded-Prefix",
        "X-Forwarded-Groups", "X-Forwarded-Client-Cert", "Forwarded", "X-Real-IP", "X-Request-Id", "X-Original-URL", "X-Original-Method", "X-Original-Host",
        "X-Rewrite-URL", "X-HTTP-Method", "X-HTTP-Method-Override", "X-HTTP-Methods", "X-Method-Override", "X-Envoy-Original-Path", "X-Envoy-Internal",
        "X-Accel-Redirect", "X-Accel-Buffering", "CF-Connecting-IP", "True-Client-IP", "Proxy", "Remote-User", "Remote-Name", "Remote-Email",
        "Remote-Groups", "X-Remote-User", "Signature", "Signature-Input", "X-WEBAUTH-USER", "Employee",
    ])
    func strips(name: String) {
        for alias in aliases(name) {
            #expect(hygiene.strips(alias), "\(alias)")
            #expect(hygiene.strips(Array(alias.utf8)[...]))
            let verdict = RequestHygiene(hygiene, via: ViaName(token: 0)).verdict(fields([(alias, "admin")]).entries[0], in: fields([(alias, "admin")]))
            #expect(verdict == .drop, "\(alias)")
        }
    }

    @Test("long names of a family too") func long() {
        for length in [50, 51, 52, 53, 54, 55, 63, 64, 100, 5000] { #expect(hygiene.strips("X_Menwei_" + String(repeating: "x", count: length))) }
    }

    @Test("all else stays", arguments: [
        "", "X", "X-", "X-Menwei", "XMenwei-Assertion", "X-Forwarded", "X-Requested-With", "X-CSRF-Token", "X-Real-IPs", "Remote-Users", "Remote-Use",
        "Accept", "Accept-Language", "User-Agent", "Authorization", "X-Auth-Token", "If-None-Match", "Sec-Fetch-Mode", "Range", "Origin", "Referer", "Proxyx",
        "X-HTTP", "X-Rewrite", "Signatures", "Content-Type", "grpc-timeout", "X-Envoy", "Cache-Control", "X-Employee", "Employ",
    ])
    func keeps(name: String) { #expect(!hygiene.strips(name)) }

    @Test("a thousand names are all found, and none beside them")
    func many() {
        let names = (0..<1000).map { "X-Corp-\($0)" }
        let set = Hygiene(identityHeaders: names)
        for name in names {
            #expect(set.strips(name.lowercased().replacing("-", with: "_")))
            #expect(!set.strips(name + "x"))
        }
    }
}

@Suite struct RequestHygieneTests {
    private func kept(_ list: [(String, String)], stripsAuthorization: Bool = false) throws -> [String] {
        let fields = fields(list)
        let judge = RequestHygiene(hygiene, via: ViaName(token: 0))
        judge.stripsAuthorization = stripsAuthorization
        try judge.begin(fields)
        return fields.entries.filter { judge.verdict($0, in: fields) == .keep }.map { String(decoding: fields.name($0), as: UTF8.self) }
    }

    @Test("fields of one hop do not go on, in any spelling", arguments: [
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
        "HTTP2-Settings", "transfer_encoding", "Transfer.Encoding", "KEEP_ALIVE", "http2_settings", "Content_Length", "content.length", "Content_Type",
    ])
    func hop(name: String) throws { #expect(try kept([(name, "x"), ("Accept", "*/*")]) == ["Accept"]) }

    @Test("what the connection writes itself is not copied", arguments: ["Host", "Content-Length", "Cookie", "Expect"])
    func rewritten(name: String) throws {
        let fields = fields([(name, "1")])
        let judge = RequestHygiene(hygiene, via: ViaName(token: 0))
        try judge.begin(fields)
        #expect(judge.verdict(fields.entries[0], in: fields) == .rewrite)
    }

    @Test("ordinary fields arrive")
    func ordinary() throws {
        let names = ["Accept", "User-Agent", "Authorization", "Content-Type", "X-CSRF-Token", "Range", "Origin", "Sec-WebSocket-Key", "grpc-timeout", "X-My_Header"]
        #expect(try kept(names.map { ($0, "x") }) == names)
        #expect(try kept(names.map { ($0, "x") }, stripsAuthorization: true) == names.filter { $0 != "Authorization" })
    }

    @Test("what Connection nominates is removed, with case and marks folded", arguments: ["X-Foo", "x-FOO", "X_Foo", "close, X-Foo", ", ,X-Foo ,", "keep-alive,\tX-Foo"])
    func nominated(value: String) throws {
        #expect(try kept([("Connection", value), ("X-Foo", "1"), ("x_foo", "2"), ("X-Bar", "3")]) == ["X-Bar"])
        #expect(try kept([("Connection", ""), ("Connection", value), ("X-Foo", "1"), ("X-Bar", "3")]) == ["X-Bar"])
    }

    @Test("nominating our fields and cookies is no fault: ours are added later")
    func ours() throws {
        #expect(try kept([("Connection", "close, X-Menwei-Assertion, X-Forwarded-User, Cookie"), ("Cookie", "a=b"), ("Accept", "x")]) == ["Accept"])
    }

    @Test("nominating what frames or routes the message is 400", arguments: ["Content-Length", "transfer-encoding", "HOST", "close, Content_Length"])
    func framing(value: String) {
        #expect(throws: ProtocolFault("connection-nominates-framing")) { try kept([("Connection", value)]) }
    }

    @Test("endless nominations are 400") func endless() {
        let value = (0..<33).map { "x-\($0)" }.joined(separator: ",")
        #expect(throws: ProtocolFault("too-many-connection-options")) { try kept([("Connection", value)]) }
    }

    @Test("one value serves request after request") func reuse() throws {
        let judge = RequestHygiene(hygiene, via: ViaName(token: 0))
        let first = fields([("Connection", "X-Foo, TE"), ("X-Foo", "1"), ("TE", "gzip, Trailers")])
        try judge.begin(first)
        #expect(judge.acceptsTrailers && judge.verdict(first.entries[1], in: first) == .drop)
        let second = fields([("X-Foo", "1"), ("TE", "gzip")])
        try judge.begin(second)
        #expect(!judge.acceptsTrailers && judge.verdict(second.entries[0], in: second) == .keep)
    }

    @Test("trailers say nothing about who, where and how", arguments: [
        ("X-Checksum", true), ("grpc-status", true), ("Server-Timing", true), ("Digest", true), ("X_Forwarded_User", false), ("X-Menwei-Assertion", false),
        ("Transfer-Encoding", false), ("Content-Length", false), ("content_type", false), ("Host", false), ("Cookie", false), ("Authorization", false),
        ("Trailer", false), ("Connection", false), ("Remote.User", false), ("X-Foo", false), ("x_foo", false), ("If-Match", false),
    ])
    func trailers(name: String, expected: Bool) throws {
        let head = fields([("Connection", "X-Foo")])
        let judge = RequestHygiene(hygiene, via: ViaName(token: 0))
        try judge.begin(head)
        let kept = judge.keepsTrailer(Array(name.utf8).span, head: head)
        #expect(kept == expected)
    }
}

@Suite struct ResponseHygieneTests {
    private func verdict(_ name: String, _ value: String = "x") throws -> FieldVerdict {
        let fields = fields([("Connection", "X-Nominated"), (name, value)])
        var judge = ResponseHygiene()
        try judge.begin(fields)
        return judge.verdict(fields.entries[1], in: fields)
    }

    @Test("hop-by-hop fields and statements of ours are taken out", arguments: [
        "Connection", "Keep-Alive", "Proxy-Authenticate", "Transfer-Encoding", "Upgrade", "Alt-Svc", "X-Menwei-Assertion", "x_menwei_user", "X-Request-Id",
        "X-Nominated", "x-nominated", "TE", "transfer_encoding",
    ])
    func out(name: String) throws { #expect(try verdict(name) == .drop) }

    @Test("all else arrives", arguments: [
        "Content-Type", "Location", "WWW-Authenticate", "ETag", "Cache-Control", "X-Accel-Redirect", "X-Forwarded-For", "Trailer", "Server", "Set-Cookie2",
    ])
    func kept(name: String) throws { #expect(try verdict(name) == .keep) }

    @Test("cookies with our names are taken out", arguments: [
        ("__Host-menwei=x; Path=/", FieldVerdict.drop), ("__Host-menwei-auth=x", .drop), ("__Host-menwei-try=", .drop), ("  __Host-menwei =x", .drop),
        ("__host-MENWEI=x", .drop), ("=__Host-menwei=x", .drop), (" = __Host-menwei=x", .drop), ("__Host-menwei", .drop), ("__Host-menwei; Path=/", .drop),
        ("__Host-menweix=1", .keep), ("menwei=1", .keep), ("sid=__Host-menwei", .keep), ("", .keep),
    ])
    func cookies(value: String, expected: FieldVerdict) throws { #expect(try verdict("Set-Cookie", value) == expected) }

    @Test("an application cannot log people out of the gateway by Clear-Site-Data", arguments: [
        ("\"cookies\"", ""), ("\"cache\", \"cookies\"", "\"cache\""), ("\"Cookies\",\"storage\"", "\"storage\""),
        ("\"*\"", "\"cache\", \"storage\", \"executionContexts\""), ("\"cache\",\"*\"", "\"cache\", \"storage\", \"executionContexts\""),
    ])
    func clearSiteData(value: String, expected: String) throws {
        #expect(try verdict("Clear-Site-Data", value) == .rewrite)
        #expect(ResponseHygiene.withoutCookies(Array(value.utf8)[...]) == Array(expected.utf8))
        #expect(try verdict("Clear-Site-Data", "\"cache\"") == .keep)
    }

    @Test("trailers of answers", arguments: [("grpc-status", true), ("Set-Cookie", false), ("X-Menwei-A", false), ("Content-Length", false), ("Connection", false)])
    func trailers(name: String, expected: Bool) {
        let kept = ResponseHygiene().keepsTrailer(Array(name.utf8).span)
        #expect(kept == expected)
    }
}
