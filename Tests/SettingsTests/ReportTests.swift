import Bytes
import Foundation
import Testing

@testable import Settings

@Suite struct ReportTests {
    private static let configuration = """
        \(Sample.listen)
        \(Sample.tls)
        \(Sample.auth)
        connections:
          - { id: corp, plain_names: true, corp_id: ww1, agent_id: 1, secret: { file: secrets/wecom } }
          - { id: east, auto_login: false, corp_id: ww2, agent_id: 2, secret: { file: secrets/wecom } }
        sites:
          - id: wiki
            origin: https://wiki.corp.example
            upstream: http://127.0.0.1:8080
            access:
              - { path: /open/*, allow: anyone }
              - { path: /admin/*, allow: { users: [ zhangsan, east/lisi ] } }
              - { path: /sales/*, allow: { departments: [ 3, east/3 ], hours: "Mon-Fri 08:00-20:00 UTC" } }
              - { path: /east/*, allow: { departments: [ east/3 ] } }
              - { path: /tagged/*, allow: { tags: [ 7 ] }, max_age: 15m }
              - { path: /probe, allow: { anyone: true, networks: [ 10.0.0.0/8 ] } }
          - { id: watched, origin: https://watched.corp.example, upstream: http://b, enforcement: observe, access: [ { allow: { users: [ root ] } } ] }

        """

    private func line(_ path: String, _ account: String?, _ decision: String, host: String = "wiki.corp.example", method: String = "GET", time: String = "2026-01-05T09:00:00.000Z") -> String {
        #"{"event":"access","time":"\#(time)","site":"wiki","host":"\#(host)","method":"\#(method)","path":"\#(path)","status":200,"decision":"\#(decision)","account":\#(account.map { "\"\($0)\"" } ?? "null"),"client":"192.0.2.7"}"#
    }

    private func report(_ lines: [String]) throws -> [String] {
        let workspace = try Workspace()
        let configuration = try #require(try workspace.load(Self.configuration).configuration)
        var report = Report(configuration)
        for line in lines { report.read(Array(line.utf8)[...]) }
        return report.output
    }

    /// The columns of a row.
    private func rows(_ lines: [String]) throws -> [[String]] {
        try report(lines).prefix { !$0.isEmpty && $0.contains("  ") }.dropFirst().map { row in row.split(separator: "  ", omittingEmptySubsequences: true).map { $0.trimmingCharacters(in: .whitespaces) } }
    }

    @Test(arguments: [
        ("/admin/x", "wangwu", "allow", ["wiki", "wangwu", "loses", "1", "2 /admin/*", "user-not-listed", "GET /admin/x"]),
        ("/admin/x", "ZhangSan", "deny", ["wiki", "ZhangSan", "gains", "1", "2 /admin/*", "-", "GET /admin/x"]),
        ("/admin/x", "east/LiSi", "observed", []), ("/admin/x", "wangwu", "deny", []), ("/admin/x", nil, "login", []), ("/open/x", nil, "anyone", []),
        ("/admin/x", nil, "anyone", ["wiki", "-", "login", "1", "2 /admin/*", "no session", "GET /admin/x"]),
        ("/admin/x", nil, "observed", ["wiki", "-", "login", "1", "2 /admin/*", "no session", "GET /admin/x"]),
        ("/open/x", nil, "login", ["wiki", "-", "gains", "1", "1 /open/*", "anyone", "GET /open/x"]),
        // Their departments and tags no record tells.
        ("/sales/x", "wangwu", "allow", ["wiki", "wangwu", "unknown", "1", "3 /sales/*", "department-not-listed", "GET /sales/x"]),
        ("/sales/x", "wangwu", "deny", ["wiki", "wangwu", "unknown", "1", "3 /sales/*", "department-not-listed", "GET /sales/x"]),
        ("/tagged/x", "wangwu", "allow", ["wiki", "wangwu", "unknown", "1", "5 /tagged/*", "tag-not-listed", "GET /tagged/x"]),
        // A department of the other corp they cannot be in.
        ("/east/x", "wangwu", "allow", ["wiki", "wangwu", "loses", "1", "4 /east/*", "department-not-listed", "GET /east/x"]),
        ("/east/x", "east/wangwu", "allow", ["wiki", "east/wangwu", "unknown", "1", "4 /east/*", "department-not-listed", "GET /east/x"]),
        ("/probe", nil, "anyone", ["wiki", "-", "login", "1", "6 /probe", "no session", "GET /probe"]),
        ("/a/../b", "wangwu", "allow", ["wiki", "wangwu", "loses", "1", "-", "malformed: dot-segment", "GET /a/../b"]),
        ("/.menwei/me", "wangwu", "own", []), ("/x", "wangwu", "refused", []), ("/x", "wangwu", "allow", []),
    ] as [(String, String?, String, [String])])
    func whatBecomesOfAccess(path: String, account: String?, decision: String, row: [String]) throws {
        #expect(try rows([line(path, account, decision)]) == (row.isEmpty ? [] : [row]))
    }

    @Test func hoursGoByTheTimeOfTheRecord() throws {
        #expect(try rows([line("/sales/x", "wangwu", "allow", time: "2026-01-04T09:00:00.000Z")]) == [
            ["wiki", "wangwu", "loses", "1", "3 /sales/*", "outside-hours", "GET /sales/x"]
        ])
    }

    @Test func whoIsOnlyObservedKeepsAccessAndWhoeverWasRefusedGainsIt() throws {
        #expect(try rows([line("/x", "lisi", "allow", host: "watched.corp.example"), line("/x", "wangwu", "deny", host: "watched.corp.example")]) == [
            ["watched", "wangwu", "gains", "1", "1 *", "-", "GET /x"]
        ])
        #expect(try rows([line("/x", "lisi", "allow", host: "gone.corp.example")]) == [["wiki", "lisi", "loses", "1", "-", "no site has this address", "GET /x"]])
    }

    @Test func rowsAreCountedSortedAndAligned() throws {
        let lines = [
            line("/admin/b", "wangwu", "allow", method: "POST"), line("/admin/a", "wangwu", "allow"), line("/admin/a", "lisi", "observed"), line("/tagged/x", "lisi", "allow"),
            line("/admin/a", nil, "observed"), #"{"event":"login","account":"lisi"}"#, "not json", "", #"{"event":5}"#, line("/x", nil, "own"),
        ]
        let expected = [
            "SITE  ACCOUNT  CHANGE   REQUESTS  RULE         REASON           FOR EXAMPLE",
            "wiki  -        login           1  2 /admin/*   no session       GET /admin/a",
            "wiki  lisi     loses           1  2 /admin/*   user-not-listed  GET /admin/a",
            "wiki  lisi     unknown         1  5 /tagged/*  tag-not-listed   GET /tagged/x",
            "wiki  wangwu   loses           2  2 /admin/*   user-not-listed  GET /admin/a",
            "",
            "2 accounts lose access somewhere, 0 gain it; 1 requests without a session would not have passed",
            "1 accounts: unknown; their departments and tags decide, which records do not tell (menwei explain --department D --tag T)",
            "9 lines read, 5 requests judged, 1 that no rule decides, 2 malformed lines skipped",
        ]
        #expect(try report(lines) == expected)
        #expect(try report(lines.reversed()) == expected)
    }

    @Test func whereNothingChangesThereIsNoTable() throws {
        #expect(try report([line("/x", "lisi", "allow")]) == [
            "0 accounts lose access somewhere, 0 gain it; 0 requests without a session would not have passed",
            "1 lines read, 1 requests judged, 0 that no rule decides, 0 malformed lines skipped",
        ])
    }

    @Test func controlsInRecordsReachNoTerminal() throws {
        let rows = try rows([line(#"/admin/\u001b[31m"#, "wangwu", "allow")])
        #expect(rows.count == 1 && !rows[0].joined().unicodeScalars.contains { $0.value < 0x20 })
    }

    @Test func filesAreReadLineByLineWhateverIsInThem() throws {
        let workspace = try Workspace()
        try workspace.write("menwei.yaml", Self.configuration)
        let long = String(repeating: "x", count: LineFile.lineLimit + 70_000)
        try workspace.write("a.log", long + "\n" + line("/admin/x", "wangwu", "allow") + "\r\n" + line("/admin/x", "lisi", "allow"))
        try workspace.write("b.log", String(repeating: line("/admin/y", "wangwu", "allow") + "\n", count: 1000))
        let request = ReportRequest(config: workspace.folder + "/menwei.yaml", logs: ["/a.log", "/b.log"].map { workspace.folder + $0 })
        let outcome = request.outcome(hooks: LoadHooks())
        #expect(outcome.status == 0 && outcome.output.last == "1003 lines read, 1002 requests judged, 0 that no rule decides, 1 malformed lines skipped")
        #expect(outcome.output.contains { $0.contains("wangwu") && $0.contains(" 1001 ") })
        let missing = ReportRequest(config: request.config, logs: [workspace.folder + "/none.log"]).outcome(hooks: LoadHooks())
        #expect(missing == CommandOutcome(errors: ["menwei report: \(workspace.folder)/none.log does not exist"], status: 1))
        #expect(ReportRequest(config: request.config, logs: [workspace.folder]).outcome(hooks: LoadHooks()).status == 1)
        withExtendedLifetime(workspace) {}
    }
}
