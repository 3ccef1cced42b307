import Access
import Bytes
import Crypto
import Foundation
import Testing

@testable import Storage

/// What only the file of an account table can show.
@Suite struct AccountFileTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private let details = AccountDetails(name: "Zhang San Feng", email: "zhang@secret.example", mobile: "13800138000")
    private var person: Person { Person(connection: "corp", user: "zhangsan") }

    @Test func namesAddressesNumbersAndCodesAreNotInTheFile() async throws {
        let store = try sqlite(folder.file())
        #expect(try await store.take([AccountRow("boss", person, details: details), AccountRow("boss", details: details)], now: start) == [])
        #expect(try await store.keep(agreed: details, of: person))
        let code = try #require(BindingCode(typed: "ABCDE23456"))
        #expect(try await store.issue(code, for: "boss", now: start))
        await store.close()
        let bytes = try folder.allBytes()
        let plain = [Digest.sha256(code.text), Digest.sha256(details.mobile), Digest.sha256(details.email)].map { Data($0.bytes) }
        for secret in [details.name, details.email, details.mobile, code.text].map({ Data($0.utf8) }) + plain { #expect(bytes.range(of: secret) == nil) }
        #expect(bytes.range(of: Data("zhangsan".utf8)) != nil && bytes.range(of: Data("boss".utf8)) != nil)
    }

    @Test func withAnotherKeyAccountsAndBindingsAreThereAndOnlyTheirDetailsAreGone() async throws {
        let store = try sqlite(folder.file())
        #expect(try await store.take([AccountRow("boss", person, details: details)], now: start) == [])
        await store.close()
        let other = try sqlite(folder.file(), key: 8)
        #expect(try await other.accounts() == [Account("boss", bindings: [AccountBinding(person)])])
        #expect(try await other.find(AccountSearch(Person(connection: "east", user: "x"), ownName: "x", details: details, match: [.email])).matching == [])
    }

    @Test func whatIsSealedForOneIsNothingForAnother() async throws {
        let store = try sqlite(folder.file())
        #expect(try await store.take([AccountRow("boss", details: details), AccountRow("chief"), AccountRow("chief", person)], now: start) == [])
        try await store.run("UPDATE accounts SET details = (SELECT details FROM accounts WHERE key = 'boss'); UPDATE bindings SET agreed = (SELECT details FROM accounts LIMIT 1)")
        #expect(try await store.accounts() == [Account("boss", details: details), Account("chief", bindings: [AccountBinding(person)])])
    }

    @Test func anUpgradeOfAFileWithSessionsKeepsThemAndMakesTheTable() async throws {
        do {
            try Data().write(to: URL(fileURLWithPath: folder.file()))
            let old = try Database(path: folder.file())
            try Schema(steps: Array(Schema.current.steps.prefix(1))).bringForward(old)
            let record = SessionRecord(sid: "s", login: login(member("a"), cookie: "c"), now: start, limits: limits)
            let table = SessionTable(database: old, links: CookieLink(sealing: try sealingKey()))
            _ = try table.insert(record, details: try SealedDetails.seal(record, with: try sealingKey()))
            try old.run("INSERT INTO one_time (kind, hash, value, expires) VALUES (2, x'00', x'00', 1)")
        }
        let new = try sqlite(folder.file())
        #expect(try await new.list(account: nil, now: start).map(\.sid) == ["s"])
        #expect(try await new.count(of: "one_time") == 1)
        #expect(try await new.accounts() == [])
        #expect(try await new.take([AccountRow("boss")], now: start) == [])
    }

    @Test func aCommandsChangesAreSeenByTheGatewayThatHasTheFileOpen() async throws {
        let gateway = try sqlite(folder.file()), command = try sqlite(folder.file())
        #expect(try await command.take([AccountRow("boss", person)], now: start) == [])
        #expect(try await gateway.find(AccountSearch(person, ownName: "zhangsan")).bound?.name == "boss")
        let (people, cursor) = try await gateway.changes(after: 0)
        #expect(people == [person])
        _ = try await command.unbind("boss", connection: nil, now: start)
        #expect(try await gateway.changes(after: cursor).people == [person])
    }

    @Test func theSweepForgetsWhatIsOver() async throws {
        let store = try sqlite(folder.file())
        #expect(try await store.take([AccountRow("boss", person)], now: start) == [])
        #expect(try await store.issue(try #require(BindingCode(typed: "ABCDE23456")), for: "boss", now: start))
        _ = try await store.redeem(nil, by: Person(connection: "corp", user: "x"), now: start)
        try await store.noteAsked(person, until: after(60))
        let tables = ["account_changes", "binding_codes", "binding_tries", "consents_asked"]
        for table in tables { #expect(try await store.count(of: table) == 1, "\(table)") }
        try await store.sweep(now: after(2 * 86400))
        for table in tables { #expect(try await store.count(of: table) == 0, "\(table)") }
        #expect(try await store.accounts().count == 1)
    }
}

extension SQLiteStore {
    fileprivate func run(_ script: String) throws(StoreFailure) { try database().execute(script) }
}
