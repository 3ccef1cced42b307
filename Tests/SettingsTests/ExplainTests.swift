import Access
import Foundation
import Proxy
import Testing

@testable import Settings

@Suite struct ExplainTests {
    private static let configuration = """
        \(Sample.listen)
        \(Sample.tls)
        auth: { origin: https://auth.corp.example, ownership_files: [ WW_verify_YpAqDE4xoAPsmGSK.txt ] }
        connections:
          - { id: corp, plain_names: true, corp_id: ww1, agent_id: 1, secret: { file: secrets/wecom } }
          - { id: sub, auto_login: false, corp_id: ww2, agent_id: 2, secret: { file: secrets/wecom } }
        sites:
          - id: wiki
            origin: https://wiki.corp.example
            upstream: http://127.0.0.1:8080
            access:
              - { path: /assets/*, allow: anyone }
              - { path: /admin/*, allow: { users: [ ZhangSan, sub/lisi ] } }
              - { path: /api/*, methods: [ GET ], allow: anyone }
              - { path: /api/*, methods: [ POST, PURGE ], allow: { users: [ robot ] } }
          - id: legacy
            origin: https://wiki.corp.example
            path: /legacy
            upstream: http://127.0.0.1:8081
            paths: { encoding: any, ignore_case: true }
            access: [ { path: /Legacy/Admin, allow: { users: [ zhangsan ] } }, { allow: anyone } ]
          - id: ruled
            origin: https://ruled.corp.example
            upstream: http://127.0.0.1:8083
            access:
              - { path: /d/*, allow: { departments: [ 3, sub/4 ] } }
              - { path: /t/*, allow: { tags: [ 7 ] } }
              - { path: /c/*, allow: { connections: [ sub ] } }
              - { path: /n/*, allow: { networks: [ 10.0.0.0/8 ] } }
              - { path: /h/*, allow: { hours: "Mon-Fri 08:00-20:00 Asia/Shanghai" } }
              - { path: /m/*, allow: members, max_age: 15m }
              - { path: /probe, allow: { anyone: true, networks: [ "::1" ] } }
          - { id: watched, origin: https://watched.corp.example, upstream: "http://127.0.0.1:8084", enforcement: observe, access: [ { allow: { users: [ root ] } } ] }
          - { id: other, origin: "https://other.corp.example:8443", path: /only, upstream: "http://127.0.0.1:8082" }

        """

    private func ask(_ line: String) throws -> CommandOutcome {
        let workspace = try Workspace()
        let configuration = try #require(try workspace.load(Self.configuration).configuration)
        guard case .explain(let request) = try CommandLine.parse("explain --config c \(line)".split(separator: " ").map(String.init)) else {
            return CommandOutcome(status: -1)
        }
        let outcome = Explain(configuration).outcome(request)
        return CommandOutcome(output: outcome.output.map { $0.replacingOccurrences(of: workspace.folder + "/", with: "") }, errors: outcome.errors, status: outcome.status)
    }

    @Test(arguments: [
        ("GET https://wiki.corp.example/assets/a.css", "wiki", "1 /assets/* menwei.yaml:12", "allow", 0),
        ("GET https://WIKI.corp.example:443/assets", "wiki", "1 /assets/* menwei.yaml:12", "allow", 0),
        ("GET https://wiki.corp.example", "wiki", "0 * default", "login", 3),
        ("GET https://wiki.corp.example?q=1", "wiki", "0 * default", "login", 3),
        ("GET https://wiki.corp.example/#/assets", "wiki", "0 * default", "login", 3),
        ("GET https://wiki.corp.example/assetsx", "wiki", "0 * default", "login", 3),
        ("--user wangwu GET https://wiki.corp.example/", "wiki", "0 * default", "allow", 0),
        ("GET https://wiki.corp.example/admin/x", "wiki", "2 /admin/* menwei.yaml:13", "login", 3),
        ("--user zhangsan GET https://wiki.corp.example/admin/x", "wiki", "2 /admin/* menwei.yaml:13", "allow", 0),
        ("--user zhangsan GET https://wiki.corp.example//%61dmin", "wiki", "2 /admin/* menwei.yaml:13", "allow", 0),
        ("--user wangwu GET https://wiki.corp.example/admin", "wiki", "2 /admin/* menwei.yaml:13", "deny", 4),
        ("--user lisi GET https://wiki.corp.example/admin", "wiki", "2 /admin/* menwei.yaml:13", "deny", 4),
        ("--user LiSi --connection sub GET https://wiki.corp.example/admin", "wiki", "2 /admin/* menwei.yaml:13", "allow", 0),
        ("--user sub/lisi GET https://wiki.corp.example/admin", "wiki", "2 /admin/* menwei.yaml:13", "allow", 0),
        ("--user zhangsan --connection sub GET https://wiki.corp.example/admin", "wiki", "2 /admin/* menwei.yaml:13", "deny", 4),
        ("HEAD https://wiki.corp.example/api/x", "wiki", "3 /api/* menwei.yaml:14", "allow", 0),
        ("PURGE https://wiki.corp.example/api/x", "wiki", "4 /api/* menwei.yaml:15", "login", 3),
        ("--user robot POST https://wiki.corp.example/api/x", "wiki", "4 /api/* menwei.yaml:15", "allow", 0),
        ("--user robot --department 3 --tag 4 --ip ::1 --at 2026-01-31T08:00:00Z --age 1h DELETE https://wiki.corp.example/api/x", "wiki", "0 * default", "allow", 0),
        ("GET https://wiki.corp.example/legacy/x", "legacy", "2 * menwei.yaml:21", "allow", 0),
        ("GET https://wiki.corp.example/LEGACY/ADMIN", "legacy", "1 /Legacy/Admin menwei.yaml:21", "login", 3),
        ("GET https://wiki.corp.example/legacy/%D6%D0", "legacy", "2 * menwei.yaml:21", "allow", 0),
        ("GET https://wiki.corp.example/legacyx", "wiki", "0 * default", "login", 3),
        ("GET https://other.corp.example:8443/only/x", "other", "0 * default", "login", 3),
    ] as [(String, String, String, String, Int32)])
    func rulesDecide(line: String, site: String, rule: String, decision: String, status: Int32) throws {
        let outcome = try ask(line)
        #expect(Array(outcome.output.prefix(3)) == ["site: \(site)", "rule: \(rule)", "decision: \(decision)"])
        #expect(outcome.output.count == 4 && outcome.output[3].hasPrefix("reason: "))
        #expect(outcome.status == status)
        #expect(outcome.errors == [])
    }

    /// Every option, as the gateway would answer; what is not given does not exist.
    @Test(arguments: [
        ("--user a --department 3 GET https://ruled.corp.example/d/x", "allow: a is let in"), ("--user a --department 4 GET https://ruled.corp.example/d/x", "deny: department-not-listed"),
        ("--user a --connection sub --department 4 GET https://ruled.corp.example/d/x", "allow: sub/a is let in"),
        ("--user a --connection sub --department 3 GET https://ruled.corp.example/d/x", "deny: department-not-listed"),
        ("--user a GET https://ruled.corp.example/d/x", "deny: department-not-listed"), ("--department 3 GET https://ruled.corp.example/d/x", "login: no session"),
        ("--user a --tag 6 --tag 7 GET https://ruled.corp.example/t/x", "allow: a is let in"), ("--user sub/a --tag 7 GET https://ruled.corp.example/t/x", "deny: tag-not-listed"),
        ("--user sub/a GET https://ruled.corp.example/c/x", "allow: sub/a is let in"), ("--user a GET https://ruled.corp.example/c/x", "deny: connection-not-listed"),
        ("--user a --ip 10.1.2.3 GET https://ruled.corp.example/n/x", "allow: a is let in"), ("--user a --ip ::ffff:10.1.2.3 GET https://ruled.corp.example/n/x", "allow: a is let in"),
        ("--user a --ip 192.0.2.1 GET https://ruled.corp.example/n/x", "deny: network-not-listed"), ("--user a GET https://ruled.corp.example/n/x", "deny: network-not-listed: no address is given"),
        ("--user a --at 2026-01-05T00:00:00Z GET https://ruled.corp.example/h/x", "allow: a is let in"), ("--user a --at 2026-01-05T20:00:00+08:00 GET https://ruled.corp.example/h/x", "deny: outside-hours"),
        ("--user a GET https://ruled.corp.example/h/x", "deny: outside-hours: no time is given"),
        ("--user a --age 15m GET https://ruled.corp.example/m/x", "allow: a is let in"), ("--user a --age 901s GET https://ruled.corp.example/m/x", "login: login-too-old"),
        ("--user a --at 2026-01-05T00:00:00Z --age 16m GET https://ruled.corp.example/m/x", "login: login-too-old"),
        ("--user a GET https://ruled.corp.example/m/x", "login: login-too-old: no age is given"),
        ("--ip ::1 GET https://ruled.corp.example/probe", "allow: anyone: no login needed"), ("GET https://ruled.corp.example/probe", "login: no session"),
        ("--ip ::2 --user a GET https://ruled.corp.example/probe", "deny: network-not-listed"),
        ("GET https://watched.corp.example/", "allow: enforcement is observe, else login: no session"),
        ("--user a GET https://watched.corp.example/", "allow: enforcement is observe, else deny: user-not-listed"),
    ])
    func everyOptionCounts(line: String, answer: String) throws {
        let outcome = try ask(line)
        let expected = answer.split(separator: ":", maxSplits: 1)
        #expect(Array(outcome.output.dropFirst(2)) == ["decision: \(expected[0])", "reason:\(expected[1])"])
        #expect(outcome.status == ["allow": 0, "login": 3, "deny": 4][expected[0]])
    }

    @Test(arguments: [
        ("GET https://nowhere.example/", "deny", 5),
        ("GET https://wiki.corp.example:8443/", "deny", 5),
        ("GET https://wiki.corp.example./", "deny", 5),
        ("GET http://wiki.corp.example/", "deny", 5),
        ("GET https://other.corp.example:8443/", "deny", 5),
        ("GET https://auth.corp.example/x", "deny", 5),
        ("GET https://auth.corp.example/", "allow", 0),
        ("GET https://wiki.corp.example/.menwei/me", "allow", 0),
        ("GET https://wiki.corp.example/WW_verify_YpAqDE4xoAPsmGSK.txt", "allow", 0),
        ("GET https://wiki.corp.example/a/../b", "deny", 4),
        ("GET https://wiki.corp.example/%2e%2E", "deny", 4),
        ("GET https://wiki.corp.example/%zz", "deny", 4),
        ("GET https://wiki.corp.example/%D6%D0", "deny", 4),
        ("GET https://wiki.corp.example/中", "deny", 4),
        ("GET https://wiki.corp.example/assets%2F..%2Fadmin", "deny", 4),
        ("GET https://wiki.corp.example/x;/../admin", "deny", 4),
        ("GET https://wiki.corp.example/admin;x/y", "deny", 4),
        ("get https://wiki.corp.example/", "deny", 4),
        ("TRACE https://wiki.corp.example/", "deny", 4),
        ("GET /assets", "deny", 4),
        ("GET ftp://wiki.corp.example/", "deny", 4),
        ("GET https://", "deny", 4),
    ] as [(String, String, Int32)])
    func whatNoRuleIsAskedAboutIsAnsweredAllTheSame(line: String, decision: String, status: Int32) throws {
        let outcome = try ask(line)
        #expect(outcome.output.count == 4)
        #expect(outcome.output.contains("decision: \(decision)"))
        #expect(outcome.output.contains("rule: -"))
        #expect(outcome.status == status)
    }

    @Test func aConfigurationWithFaultsExplainsNothing() throws {
        let workspace = try Workspace()
        try workspace.write("menwei.yaml", Sample.with("bad: 1"))
        let file = workspace.folder + "/menwei.yaml"
        let outcome = withExtendedLifetime(workspace) { ExplainRequest(config: file, method: "GET", url: "https://wiki.corp.example/").outcome(hooks: LoadHooks()) }
        #expect(outcome == CommandOutcome(errors: ["\(file):10:1: unknown key \"bad\""], status: 2))
    }

    @Test func anUnknownConnectionIsAFaultOfTheQuestion() throws {
        #expect(try ask("--user a --connection corq GET https://wiki.corp.example/")
            == CommandOutcome(errors: ["menwei explain: there is no connection \"corq\"; did you mean \"corp\"?"], status: 2))
    }
}
