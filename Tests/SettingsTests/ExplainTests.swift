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
