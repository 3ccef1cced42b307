import Access
import HTTP
import Testing

private func rule(_ pattern: String?, _ methods: Set<String> = [], _ allow: Rule.Allow) throws -> Rule {
    Rule(path: try Rule.Path(pattern: pattern), pattern: pattern ?? "*", methods: methods, allow: allow, source: "menwei.yaml:1")
}

@Suite struct PolicyTests {
    @Test("the first rule whose path matches decides, at segment borders", arguments: [
        ("/", 4), ("/assets", 1), ("/assets/", 1), ("/assets/a/b.css", 1), ("/assetsx", 4), ("/asset", 4), ("/admin", 2), ("/admin/", 3), ("/admin/x", 3),
        ("/adminx", 4), ("/Admin", 4), ("/x/assets/a", 4), ("/assets//", 1), ("", 4),
    ])
    func paths(path: String, expected: Int) throws {
        let policy = Policy(rules: [
            try rule("/assets/*", [], .anyone), try rule("/admin", [], .users(["lisi"])), try rule("/admin/*", [], .users(["wangwu"])),
            try rule(nil, [], .members),
        ])
        #expect(policy.rule(path: Array(path.utf8), method: RuleMethod(token: "GET")) == expected)
    }

    @Test("/* and no path are every path", arguments: ["/", "/a", "/a/b"])
    func everything(path: String) throws {
        for pattern in ["/*", nil] {
            #expect(Policy(rules: [try rule(pattern, [], .anyone)]).rule(path: Array(path.utf8), method: RuleMethod(token: "GET")) == 1)
        }
        #expect(Policy(rules: [try rule("/", [], .anyone)]).rule(path: Array(path.utf8), method: RuleMethod(token: "GET")) == (path == "/" ? 1 : 0))
    }

    @Test("methods: GET includes HEAD, HEAD not GET, tokens are compared with case, unknown ones too", arguments: [
        ("GET", 1), ("HEAD", 1), ("POST", 2), ("PUT", 0), ("PROPFIND", 3), ("propfind", 0), ("get", 0), ("OPTIONS", 0), ("PROPPATCH", 0),
    ])
    func methods(token: String, expected: Int) throws {
        let policy = Policy(rules: [
            try rule("/x", ["GET"], .members), try rule("/x", ["POST"], .members), try rule("/x", ["PROPFIND", "HEAD"], .members),
        ])
        #expect(policy.rule(path: Array("/x".utf8), method: RuleMethod(token: token)) == expected)
        #expect(policy.rule(path: Array("/x".utf8), method: RuleMethod(head(token))) == expected)
    }

    @Test("a WebSocket is a GET, however it is asked for")
    func webSocket() throws {
        let policy = Policy(rules: [try rule(nil, ["GET"], .anyone)])
        for method in ["GET", "CONNECT"] { #expect(policy.rule(path: [0x2F], method: RuleMethod(head(method, webSocket: true))) == 1) }
        #expect(policy.rule(path: [0x2F], method: RuleMethod(head("CONNECT"))) == 0)
    }

    @Test("who is let in")
    func decisions() throws {
        let policy = Policy(rules: [
            try rule("/open/*", [], .anyone), try rule("/mine/*", [], .users(["zhangsan", "east/lisi"])), try rule("/mine/*", [], .members),
        ])
        func decide(_ path: String, _ member: Member?) -> Decision {
            policy.decide(path: Array(path.utf8), method: RuleMethod(token: "GET"), member: member)
        }
        #expect(decide("/open/x", nil) == .anyone(rule: 1))
        #expect(decide("/open/x", member()) == .anyone(rule: 1))
        #expect(decide("/mine/x", nil) == .login(rule: 2))
        #expect(decide("/mine/x", member()) == .allow(rule: 2))
        #expect(decide("/mine/x", member("ZhangSan")) == .allow(rule: 2))
        #expect(decide("/mine/x", member("East/LiSi")) == .allow(rule: 2))
        #expect(decide("/mine/x", member("lisi")) == .deny(rule: 2, reason: .user), "never the next rule")
        #expect(decide("/mine/x", member("")) == .deny(rule: 2, reason: .user))
        #expect(decide("/other", nil) == .login(rule: 0))
        #expect(decide("/other", member()) == .allow(rule: 0))
    }

    @Test("without any rule it is members") func noRules() {
        #expect(Policy(rules: []).decide(path: [0x2F], method: RuleMethod(token: "GET"), member: nil) == .login(rule: 0))
        #expect(Policy(rules: []).decide(rule: 99, member: nil) == .login(rule: 99), "a number out of range opens nothing")
        #expect(Policy(rules: []).decide(rule: -1, member: member()) == .allow(rule: -1))
    }

    @Test("with ignore_case every spelling falls under the same rule", arguments: [
        "/Admin/x", "/ADMIN", "/admin.", "/admin ", "/admin. . ", "/admin./x", "/Admin /x", "//admin", "/ /admin", "/Ädmin", "/ädmin/X",
    ])
    func ignoreCase(path: String) throws {
        let policy = Policy(rules: [try rule("/ADMIN/*", [], .users(["lisi"])), try rule("/ÄDMIN/*", [], .users(["lisi"])), try rule(nil, [], .anyone)], ignoreCase: true)
        #expect(policy.decide(path: Array(path.utf8), method: RuleMethod(token: "GET"), member: nil) != .anyone(rule: 3))
    }

    @Test("bytes that are not UTF-8 are compared as they are")
    func otherEncodings() throws {
        let gbk: [UInt8] = [0x2F, 0xB9, 0xDC, 0x2F, 0x41]
        let policy = Policy(rules: [Rule(path: .under([0x2F, 0xB9, 0xDC]), pattern: "/管/*", methods: [], allow: .anyone, source: "a:1")])
        #expect(policy.rule(path: gbk, method: RuleMethod(token: "GET")) == 1)
        #expect(PathFolding.fold(gbk.span) == [0x2F, 0xB9, 0xDC, 0x2F, 0x61])
    }

    @Test("references name the rule and where it stands")
    func references() throws {
        let policy = Policy(rules: [try rule("/a/*", [], .members)])
        #expect(policy.reference(1) == RuleReference(number: 1, pattern: "/a/*", source: "menwei.yaml:1"))
        #expect(policy.reference(0) == RuleReference(number: 0, pattern: "*", source: "default"))
        #expect(policy.reference(7).number == 0)
    }
}

@Suite struct RulePatternTests {
    @Test("patterns become paths", arguments: [
        ("/admin", .exactly(Array("/admin".utf8))), ("/admin/", .exactly(Array("/admin/".utf8))), ("/admin/*", .under(Array("/admin".utf8))),
        ("/*", .under([])), ("//*", .under([])), ("/a//b/*", .under(Array("/a/b".utf8))), ("/%61dmin/*", .under(Array("/admin".utf8))),
        ("/管理/*", .under(Array("/管理".utf8))), ("/%E7%AE%A1", .exactly(Array("/管".utf8))), ("/a%20b", .exactly(Array("/a b".utf8))),
    ] as [(String, Rule.Path)])
    func good(pattern: String, expected: Rule.Path) throws { #expect(try Rule.Path(pattern: pattern) == expected) }

    @Test("faults say what is wrong", arguments: [
        ("", .notAbsolute), ("admin", .notAbsolute), ("*", .notAbsolute), ("/a*", .star), ("/*/b", .star), ("/a/**", .star), ("/a/*/*", .star),
        ("/a?b", .forbiddenCharacter), ("/a#b", .forbiddenCharacter), ("/a\\b", .forbiddenCharacter), ("/a%5Cb", .forbiddenCharacter),
        ("/a%00", .forbiddenCharacter), ("/a%zz", .malformedPercent), ("/a%2", .malformedPercent), ("/a/../b", .dotSegment), ("/./a/*", .dotSegment),
        ("/a/%2e%2E", .dotSegment), ("/a/%2E%2e%2fb", .dotSegment),
    ] as [(String, RulePatternFault)])
    func bad(pattern: String, expected: RulePatternFault) { #expect(throws: expected) { try Rule.Path(pattern: pattern) } }
}

@Suite struct ExplanationTests {
    private func explain(_ path: String, _ who: Member?) throws -> Explanation {
        let policy = Policy(rules: [try rule("/a/*", [], .users(["lisi"])), try rule("/o", [], .anyone)])
        return Explanation(
            site: "wiki", policy: policy, enforcement: .required, rule: policy.rule(path: Array(path.utf8), method: RuleMethod(token: "GET")),
            subject: who.map { Subject($0, authTime: nil) }, .noon)
    }

    @Test("four lines and an exit status")
    func lines() throws {
        let denied = try explain("/a/b", member())
        #expect(denied.lines == ["site: wiki", "rule: 1 /a/* menwei.yaml:1", "decision: deny", "reason: user-not-listed"])
        #expect(denied.exitStatus == 4)
        #expect(try explain("/a/b", nil).exitStatus == 3)
        #expect(try explain("/a/b", member("lisi")).exitStatus == 0)
        #expect(try explain("/o", nil).exitStatus == 0)
        #expect(try explain("/x", nil).lines[1] == "rule: 0 * default")
        #expect(Explanation.noSuchSite().exitStatus == 5)
        #expect(Explanation.malformed(code: "dot-segment").lines.last == "reason: malformed: dot-segment")
        #expect(Explanation.malformed(code: "dot-segment").exitStatus == 4)
    }
}
