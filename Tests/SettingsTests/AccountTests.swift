import Access
import Testing
import WeCom

@testable import Settings

/// `accounts`, and what else needs the account table.
@Suite struct AccountTests {
    private let workspace: Workspace
    init() throws { workspace = try Workspace() }

    private func options(_ lines: String) throws -> AccountOptions? { try workspace.load(Sample.with(lines)).configuration?.accounts }
    private func file(_ name: String) -> String { workspace.folder + "/" + name }

    @Test func theTableIsInTheSessionsFileUnlessItHasItsOwn() throws {
        #expect(try workspace.load(Sample.with()).configuration?.accounts.file == file("menwei.db"))
        #expect(try options("sessions: { store: \"sqlite:s.db\" }")?.file == file("s.db"))
        #expect(try options("accounts: { store: \"sqlite:a.db\" }")?.file == file("a.db"))
        #expect(try options("accounts: { store: null }")?.file == file("menwei.db"))
        #expect(try options("sessions: { store: \"memory:\" }")?.file == .some(nil))
    }

    @Test func itsWordsBecomeRules() throws {
        let rules = try #require(try options("accounts: { mode: known, match: [email, id, id], bind: ask }")?.rules)
        #expect(rules.mode == .known && rules.match == [.id, .email] && rules.asksForCode && rules.needsTable)
        let standard = try #require(try options("accounts: {}")?.rules)
        #expect(standard == AccountRules() && !standard.needsTable)
    }

    @Test(arguments: [
        ("mode: known", "11:13: \"mode\""), ("match: [id]", "11:13: \"match\""), ("bind: ask", "11:13: \"bind\""),
    ])
    func whatAsksForATableIsAFaultWithoutOne(_ key: String, _ start: String) throws {
        let faults = try workspace.faults(Sample.with("sessions: { store: \"memory:\" }", "accounts: { \(key) }"))
        #expect(faults.count == 1 && faults[0].hasPrefix(start + " needs an account table"))
        #expect(try workspace.faults(Sample.with("sessions: { store: \"memory:\" }", "accounts: { \(key), store: \"sqlite:a.db\" }")) == [])
        #expect(try workspace.faults(Sample.with("accounts: { \(key) }")) == [])
    }

    @Test func aScopeThatKeepsDetailsNeedsATableToo() throws {
        let text = Sample.replacing("id: corp", "id: corp, scope: snsapi_privateinfo")
        #expect(try workspace.faults(text) == [])
        #expect(try workspace.load(text).configuration?.connections[0].wecom?.scope == .privateInfo)
        #expect(try workspace.faults(text + "sessions: { store: \"memory:\" }\n") == [])
        let warnings = try workspace.warnings(text + "sessions: { store: \"memory:\" }\n")
        #expect(warnings.contains { $0.hasPrefix("5:17: \"scope: snsapi_privateinfo\" asks nobody") })
        #expect(try workspace.faults(text + "sessions: { store: \"memory:\" }\naccounts: { store: \"sqlite:a.db\" }\n") == [])
    }

    @Test func bindingIsOffWhereASiteSharesTheAuthOriginAndThatIsSaid() throws {
        let text = Sample.replacing("https://auth.corp.example", "https://wiki.corp.example") + "accounts: { bind: ask }\n"
        #expect(try workspace.warnings(text).contains { $0.hasPrefix("3:") && $0.contains("\"accounts.bind: ask\" is off") })
    }

    @Test func anotherTableNeedsARestart() throws {
        var hooks = LoadHooks()
        hooks.running = try workspace.load(Sample.with()).configuration
        #expect(try workspace.faults(Sample.with("accounts: { mode: known }"), hooks: hooks) == [])
        #expect(try workspace.faults(Sample.with("accounts: { store: \"sqlite:a.db\" }"), hooks: hooks)
            == ["10:20: \"accounts.store\" changes with a restart only; the gateway runs with \"sqlite:DIR/menwei.db\""])
    }

    @Test func peopleAreOfAConnectionThatIsThereAndHaveUserIDsOfIt() throws {
        let configuration = try #require(try workspace.load(Sample.with()).configuration)
        #expect(configuration.problem(of: Person(connection: "corp", user: "zhang.san@x")) == nil)
        #expect(configuration.problem(of: Person(connection: "crp", user: "a")) == "there is no connection \"crp\"; did you mean \"corp\"?")
        for bad in ["", "-a", "a/b", "a b", String(repeating: "a", count: 65)] {
            #expect(configuration.problem(of: Person(connection: "corp", user: bad))?.contains("no user id") == true)
        }
    }
}
