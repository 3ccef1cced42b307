import Bytes
import Foundation
import Testing
import WeCom

@testable import Settings

@Suite struct CheckTests {
    @Test(arguments: [
        ("access: [ { allow: anyone }, { path: /a, allow: members } ]", ["10:34: this rule is never asked: the rule in line 10 decides before it"]),
        ("access: [ { path: /a/*, methods: [GET], allow: anyone }, { path: /a/b, methods: [HEAD], allow: members } ]",
            ["10:62: this rule is never asked: the rule in line 10 decides before it"]),
        ("access: [ { path: /api/*, methods: [POST, PUT], allow: { users: [a] } } ]",
            ["10:40: \"/api/*\" is narrowed for POST, PUT only; other methods, DELETE for one, fall to \"members\", where no rule matches"]),
        ("access: [ { path: /api/*, methods: [POST], allow: members }, { allow: anyone } ]",
            ["10:40: \"/api/*\" is narrowed for POST only; other methods, DELETE for one, fall to the wider rule in line 10"]),
        ("access: [ { path: /api/*, methods: [POST], allow: { users: [a] } }, { path: /api/*, allow: { users: [a] } } ]", []),
        ("access: [ { path: /api/*, methods: [GET], allow: anyone }, { allow: members } ]", []),
        ("access: [ { path: /.menwei/login, allow: anyone } ]", ["10:23: this rule is never asked: what is under /.menwei/ is the gateway's own"]),
        ("identity: { headers: { X-Forwarded-Usr: null } }", ["10:28: there is no header \"X-Forwarded-Usr\" to remove; did you mean \"X-Forwarded-User\"?"]),
        ("access: [ { allow: { users: [ corp/zhangsan ] } } ]", ["10:35: \"corp/zhangsan\": accounts of \"corp\" are written without \"corp/\""]),
        ("access: [ { path: /api/*, methods: [POST], allow: { departments: [3] } }, { allow: members } ]",
            ["10:40: \"/api/*\" is narrowed for POST only; other methods, DELETE for one, fall to the wider rule in line 10"]),
        ("access: [ { path: /api/*, methods: [POST], allow: { networks: [10.0.0.0/8] } }, { allow: { networks: [10.0.0.0/8], tags: [1] } } ]", []),
        ("access: [ { path: /api/*, methods: [POST], allow: { anyone: true, networks: [10.0.0.0/8] } }, { allow: members } ]",
            ["10:40: \"/api/*\" is narrowed for POST only; other methods, DELETE for one, fall to the wider rule in line 10"]),
        ("access: [ { allow: { networks: [10.1.2.3/8] } } ]", ["10:37: 10.1.2.3/8 is the network 10.0.0.0/8"]),
        ("access: [ { allow: members, max_age: 5s } ]", ["10:42: a login may be older than 5s before the person is back from it; take a minute at least"]),
        ("enforcement: observe", ["10:18: \"wiki\" lets in everybody: with \"enforcement: observe\" its rules are only recorded"]),
        ("enforcement: login", ["10:18: \"wiki\" lets in whoever logs in: with \"enforcement: login\" its rules are only recorded"]),
        ("strip_path: true", ["10:5: \"strip_path\" does nothing where the site's path is \"/\""]),
        ("strip_path: false", []),
        ("trusted_origins: [ https://wiki.corp.example ]", ["10:22: https://wiki.corp.example is the site's own origin, which is always trusted"]),
    ])
    func rulesThatMayNotMeanWhatTheySayAreWarnedOf(line: String, warnings: [String]) throws {
        #expect(try Workspace().warnings(Sample.site(line)) == warnings)
    }

    @Test func rulesOutsideTheirSiteAreWarnedOf() throws {
        let text = Sample.site("path: /wiki/", "access: [ { path: /admin/*, allow: members }, { path: /*, allow: members } ]")
        #expect(try Workspace().warnings(text) == ["11:23: this rule is never asked: the site is \"/wiki\", and rules count from the root of the origin"])
    }

    @Test func literalSecretsAreWarnedOf() throws {
        #expect(try Workspace().warnings(Sample.replacing("{ file: secrets/wecom }", "abc")) == [
            "5:73: a secret in the configuration itself is seen by all who read it; use { file: PATH } or { env: NAME }"
        ])
    }

    @Test func secretsComeFromTheEnvironmentToo() throws {
        var hooks = LoadHooks()
        hooks.environment = { $0 == "WECOM" ? "from-outside" : nil }
        let result = try Workspace().load(Sample.replacing("{ file: secrets/wecom }", "{ env: WECOM }"), hooks: hooks)
        #expect(result.configuration?.connections.first?.wecom?.secret == "from-outside")
    }

    @Test func anAuthOriginThatIsASiteIsWarnedOf() throws {
        #expect(try Workspace().warnings(Sample.replacing("https://auth.corp.example", "https://wiki.corp.example:443")) == [
            "3:17: this is the origin of the site \"wiki\" too; the auth origin is better a host of its own"
        ])
        #expect(try Workspace().warnings(Sample.replacing("https://auth.corp.example", "https://wiki.corp.example:8443")) == [])
    }

    @Test func idsAndPlacesAreUnique() throws {
        let second = "  - { id: wiki, origin: https://WIKI.corp.example, upstream: http://b }\n"
        #expect(try Workspace().faults(Sample.with() + second) == [
            "10:11: the site \"wiki\" stands in line 7 already", "10:25: https://wiki.corp.example/ is the site \"wiki\" already",
        ])
    }

    @Test func pathSitesWithDifferentRulesAreWarnedOf() throws {
        let open = "  - { id: b, origin: https://wiki.corp.example, path: /b, upstream: http://b, access: [ { allow: anyone } ] }\n"
        #expect(try Workspace().warnings(Sample.with() + open) == [
            "10:55: this site shares its origin with \"wiki\" but not its rules; scripts of one can act in the other, so rules do not keep them apart"
        ])
        #expect(try Workspace().warnings(Sample.with() + "  - { id: b, origin: https://wiki.corp.example, path: /b, upstream: http://b }\n") == [])
    }

    private func connections(_ first: String, _ second: String) -> String {
        let rest = "corp_id: ww1, agent_id: 7, secret: { file: secrets/wecom }"
        return Sample.replacing(Sample.connections, "connections:\n  - { id: a, \(rest)\(first) }\n  - { id: b, \(rest)\(second) }")
    }

    @Test func ofSeveralConnectionsOneMustHavePlainNames() throws {
        let none = "several connections, and none has plain_names: true; mark the one whose accounts are written without \"ID/\""
        #expect(try Workspace().faults(connections(", auto_login: true", "")) == ["6:5: " + none])
        #expect(try Workspace().faults(connections(", plain_names: true", ", plain_names: true")) == ["6:74: only one connection can have plain_names; \"a\" has them already"])
        #expect(try Workspace().faults(connections(", plain_names: false", ", plain_names: false")) == [])
        #expect(try Workspace().faults(connections(", plain_names: false", "")) == ["6:5: " + none])
    }

    @Test func oneConnectionAtMostLogsInSilently() throws {
        let plain = ", plain_names: true"
        #expect(try Workspace().faults(connections(plain + ", auto_login: true", ", auto_login: true")) == ["6:74: only one connection can have auto_login; \"a\" has it already"])
        #expect(try Workspace().warnings(connections(plain, "")) == ["6:5: auto_login is left to \"a\"; set auto_login: false here to say so"])
        #expect(try Workspace().warnings(connections(plain, ", auto_login: false")) == [])
        let result = try Workspace().load(connections(plain + ", auto_login: false", ", auto_login: false"))
        #expect(result.configuration?.connections.map(\.wecom?.autoLogin) == [false, false])
    }

    @Test func redirectNeedsOneConnection() throws {
        let text = connections(", plain_names: true, auto_login: true", ", auto_login: false").replacingOccurrences(of: "auth: {", with: "auth: { login_page: redirect,")
        #expect(try Workspace().faults(text) == ["3:21: \"login_page: redirect\" leads to the only connection, but there are 2"])
    }

    @Test func scanningIsReadAndWarnedOfWhereItCannotWorkOrIsOpenToAll() throws {
        func text(_ more: String) -> String { Sample.with().replacingOccurrences(of: "auth: {", with: "auth: { \(more),") }
        let configuration = try #require(try Workspace().load(text("login_page: scan, scan_from: [10.0.0.0/8, \"2001:db8::/32\"]")).configuration)
        #expect(configuration.auth.loginPage == .scan && configuration.auth.scanFrom.map(\.description) == ["10.0.0.0/8", "2001:db8::/32"])
        #expect(try Workspace().warnings(text("scan_from: [10.0.0.0/8]")) == [])
        #expect(try Workspace().warnings(text("scan_from: [0.0.0.0/0]")) == [
            "3:20: 0.0.0.0/0: anybody can have a code to send to your people; name the networks of their computers"
        ])
        let shared = text("scan_from: [10.0.0.0/8]").replacingOccurrences(of: "https://auth.corp.example", with: "https://wiki.corp.example")
        #expect(try Workspace().warnings(shared).contains(
            "3:20: nobody can log in by a code: scripts of the site \"wiki\", whose origin is the auth origin, could answer for the person"))
    }

    @Test func certificatesAreLookedIntoAndMustCoverTheOrigins() throws {
        #expect(try Workspace().faults(Sample.with(), hooks: LoadHooks { _ in CertificateReport(problem: "the key does not fit the certificate") }) == [
            "2:24: the key does not fit the certificate", 
        ])
        #expect(try Workspace().warnings(Sample.with(), hooks: LoadHooks { _ in CertificateReport(names: ["Auth.corp.example", "*.example"]) }) == [
            "8:13: no certificate is for wiki.corp.example"
        ])
        #expect(try Workspace().warnings(Sample.with(), hooks: LoadHooks { _ in CertificateReport(warning: "it expires soon", names: ["*.corp.example"]) }) == [
            "2:24: it expires soon"
        ])
    }

    @Test func checkPrintsEverythingAndSaysOk() throws {
        let workspace = try Workspace()
        #expect(try workspace.load(Sample.with()).checkOutcome == CommandOutcome(output: ["ok"], status: 0))
        let warned = try workspace.load(Sample.replacing("{ file: secrets/wecom }", "abc")).checkOutcome
        #expect(warned.output == ["ok"] && warned.status == 0 && warned.errors.count == 1)
        #expect(warned.errors[0].hasPrefix("\(workspace.folder)/menwei.yaml:5:73: warning: a secret"))
        let bad = try workspace.load(Sample.with("bad: 1")).checkOutcome
        #expect(bad == CommandOutcome(errors: ["\(workspace.folder)/menwei.yaml:10:1: unknown key \"bad\""], status: 2))
    }
}
