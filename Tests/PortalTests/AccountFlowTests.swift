import Access
import Bytes
import Crypto
import Foundation
import HTTP
import Proxy
import Storage
import Synchronization
import Telemetry
import Testing
import WeCom

@testable import Portal

/// Logins and live sessions beside an account table in a file.
@Suite struct AccountFlowTests {
    private let folder: String
    private let table: SQLiteStore

    init() throws {
        folder = NSTemporaryDirectory() + "/menwei-accounts-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let key = try #require(SealingKey(bytes: [UInt8](repeating: 7, count: 32)))
        table = try SQLiteStore(path: folder + "/a.db", sealing: key, limits: SessionLimits())
    }

    private func gate(_ change: (inout PortalOptions) -> Void = { _ in }) -> Gate { Gate(accounts: table, change) }

    private func accounts(_ gate: Gate) async throws -> [String] {
        try await gate.store.list(account: nil, now: gate.clock.now).map(\.member.account).sorted()
    }

    @Test func whatTheWatchCannotDoItDoesWhenItCan() async throws {
        let gate = gate()
        await logIn(Browser(gate), to: "https://wiki.corp.example/")
        #expect(try await accounts(gate) == ["ZhangSan"])
        let broken = AccountWatch(options: gate.options, accounts: table, store: BrokenStore(), records: PortalRecords(audit: { _ in }))
        let watch = AccountWatch(options: gate.options, accounts: table, store: gate.store, records: PortalRecords(audit: { _ in }))
        try await watch.poll(now: gate.clock.now)
        #expect(try await table.take([AccountRow("boss", Person(connection: "corp", user: "zhangsan"))], now: gate.clock.now) == [])
        for _ in 0..<2 { await #expect(throws: StoreFailure.self) { try await broken.poll(now: gate.clock.now) } }
        try await watch.poll(now: gate.clock.now)
        #expect(try await accounts(gate) == [])
    }

    @Test func aNameThatIsGivenToSomebodyElseEndsTheSessionsOfWhoeverHadIt() async throws {
        let gate = gate()
        await logIn(Browser(gate), to: "https://wiki.corp.example/")
        await logIn(Browser(gate), to: "https://wiki.corp.example/", code: "code-lisi")
        #expect(try await accounts(gate) == ["ZhangSan", "lisi"])
        let events = Gate.EventBox()
        let watch = AccountWatch(options: gate.options, accounts: table, store: gate.store, records: PortalRecords(audit: { events.add($0) }))
        #expect(try await table.take([AccountRow("zhangsan", Person(connection: "corp", user: "wangwu"))], now: gate.clock.now) == [])
        try await watch.poll(now: gate.clock.now)
        #expect(try await accounts(gate) == ["lisi"])
        #expect(events.all.map { [$0.account, $0.connection, $0.result] } == [["ZhangSan", "corp", "account-changed"]])
    }

    @Test func whoseAccountChangesWhileTheyLogInDoesNotComeInUnderTheOldOne() async throws {
        let gate = gate()
        let (origin, request) = await Browser(gate).request(Gate.auth.text + "/.menwei/callback/corp")
        let asked = Asked(request, origin: origin, options: gate.options)
        func arrive(_ member: Member) async throws {
            _ = try await gate.portal.arrive(member, amr: ["wecom"], Journey(returnTo: gate.portal.returnAddress("/", on: Gate.auth, allowPath: false)), asked)
        }
        // As the login found them a moment ago: under their own names, and one under an account of the table.
        var before = ["zhangsan", "lisi", "wangwu"].map { Member(connection: "corp", corp: "ww1", user: $0, account: $0) }
        (before[2].account, before[2].isInTable) = ("boss", true)
        let rows = [AccountRow("boss", before[0].person), AccountRow("lisi", Person(connection: "partner", user: "x"))]
        #expect(try await table.take(rows, now: gate.clock.now) == [])
        for member in before { await #expect(throws: Trouble.accountChanged) { try await arrive(member) } }
        #expect(try await accounts(gate) == [])
        #expect(gate.events.all.isEmpty)
        var bound = before[0]
        (bound.account, bound.isInTable) = ("boss", true)
        try await arrive(bound)
        try await arrive(Member(connection: "corp", corp: "ww1", user: "free", account: "free"))
        #expect(try await accounts(gate) == ["boss", "free"])
    }

    @Test func aLookUpFindsWhatChangedWhileNobodyWatched() async throws {
        let gate = gate()
        await logIn(Browser(gate), to: "https://wiki.corp.example/")
        let record = try #require(try await gate.store.list(account: nil, now: gate.clock.now).first)
        let check = MemberCheck(
            options: gate.options, store: gate.store, accounts: table, providers: ["corp": gate.provider], records: PortalRecords(audit: { _ in }), suspicions: gate.suspicions)
        gate.clock.advance(.seconds(600))
        #expect(await check.recheck(record) == .stands)
        // Somebody else has that name in the table by now.
        #expect(try await table.take([AccountRow("zhangsan", Person(connection: "corp", user: "lisi"))], now: gate.clock.now) == [])
        gate.clock.advance(.seconds(600))
        #expect(await check.recheck(try #require(try await gate.store.list(account: nil, now: gate.clock.now).first)) == .ended)
        #expect(try await accounts(gate) == [])
    }

    @Test func aLookUpKeepsTheAccountAndFillsInWhatTheTableTells() async throws {
        let gate = gate()
        let person = Person(connection: "corp", user: "zhangsan")
        #expect(try await table.take([AccountRow("boss", person)], now: gate.clock.now) == [])
        await logIn(Browser(gate), to: "https://wiki.corp.example/")
        let check = MemberCheck(
            options: gate.options, store: gate.store, accounts: table, providers: ["corp": gate.provider], records: PortalRecords(audit: { _ in }), suspicions: gate.suspicions)
        #expect(try await table.take([AccountRow("boss", person, details: AccountDetails(email: "b@x.example"))], now: gate.clock.now) == [])
        gate.clock.advance(.seconds(600))
        #expect(await check.recheck(try #require(try await gate.store.list(account: nil, now: gate.clock.now).first)) == .stands)
        let member = try #require(try await gate.store.list(account: nil, now: gate.clock.now).first?.member)
        #expect(member.account == "boss" && member.isInTable && member.email == "b@x.example" && member.name == "张三")
    }

    @Test func whatTheTableSaidIsKnownUntilItSaysOtherwiseAndTheRestOnlyWhereEverybodyHasAnAccount() {
        var member = Member(connection: "corp", corp: "ww0123456789abcdef", user: "zhangsan", account: "zhangsan")
        #expect(gate().options.knows(member))
        #expect(!gate { $0.accounts.mode = .known }.options.knows(member))
        (member.account, member.isInTable) = ("boss", true)
        #expect(gate { $0.accounts.mode = .known }.options.knows(member))
        #expect(!gate { $0.connections.removeFirst() }.options.knows(member))
        member.isInTable = false
        #expect(!gate().options.knows(member))
    }

    @Test func aLoginThatWaitsIsKeptWhole() throws {
        var member = Member(connection: "corp", corp: "ww1", user: "ZhangSan", account: "ZhangSan")
        (member.name, member.email, member.mobile, member.departments, member.tags) = ("张三", "z@x.example", "138", [3, 1], [7])
        let gate = gate()
        func address(_ text: String) -> ReturnAddress { gate.portal.returnAddress(text, on: Gate.auth, allowPath: false) }
        let journey = Journey(
            returnTo: address("https://wiki.corp.example/a?b=c"), bind: String(repeating: "a", count: 64), fragment: "/x?y=1", attempt: 2)
        let login = PendingLogin(member, amr: ["wecom", "scan"], ownName: "ZhangSan", browser: "f", journey: journey, identified: WallTime(seconds: 1_767_000_000))
        let read = try #require(PendingLogin(login.encoded, address: address))
        #expect(read == login && read.journey.attempt == 0 && read.journey.returnTo.url == "https://wiki.corp.example/a?b=c")
        #expect(PendingLogin(Array(login.encoded.dropLast()), address: address) == nil)
        #expect(PendingLogin.key(id: "x") != PendingLogin.key(state: "x"))
    }

    @Test func aLoginIsAsOldAsItsProofHoweverLongTheCodeTakes() async throws {
        let gate = gate { ($0.accounts.mode, $0.accounts.asksForCode) = (.known, true) }
        #expect(try await table.take([AccountRow("boss")], now: gate.clock.now) == [])
        let code = try #require(BindingCode(typed: "ABCDEFGHJK"))
        #expect(try await table.issue(code, for: "boss", now: gate.clock.now))
        let browser = Browser(gate), proven = gate.clock.now
        let page = await logIn(browser, to: "https://wiki.corp.example/")
        let id = try #require(page.path.last?.parameter("id"))
        gate.clock.advance(.seconds(600))
        var (_, request) = await browser.request(Gate.auth.text + "/.menwei/bind", method: "POST", [("Origin", Gate.auth.text)])
        request.body = Array("id=\(id)&code=\(code.text)".utf8)
        #expect(await gate.portal.respond(to: request).status == 303)
        let session = try #require(try await gate.store.list(account: "boss", now: gate.clock.now).first)
        #expect(session.authTime == proven)
        #expect(session.checked == gate.clock.now && session.created == gate.clock.now)
    }

    @Test func whoLeavesWhileACodeIsAskedForStaysOutAndTheCodeIsGoodYet() async throws {
        let gate = gate { ($0.accounts.mode, $0.accounts.asksForCode) = (.known, true) }
        #expect(try await table.take([AccountRow("boss")], now: gate.clock.now) == [])
        let code = try #require(BindingCode(typed: "ABCDEFGHJK"))
        #expect(try await table.issue(code, for: "boss", now: gate.clock.now))
        let browser = Browser(gate)
        let id = try #require(await logIn(browser, to: "https://wiki.corp.example/").path.last?.parameter("id"))
        gate.provider.answers.withLock { $0.members["ZhangSan"] = .failure(WeComError(api: "user/get", errcode: 60111)) }
        gate.clock.advance(.seconds(10))
        var (_, request) = await browser.request(Gate.auth.text + "/.menwei/bind", method: "POST", [("Origin", Gate.auth.text)])
        request.body = Array("id=\(id)&code=\(code.text)".utf8)
        #expect(await gate.portal.respond(to: request).status == 403)
        #expect(try await accounts(gate) == [])
        #expect(try await table.redeem(code, by: Person(connection: "corp", user: "lisi"), now: gate.clock.now) != .spent)
        #expect(try await table.accounts().first?.bindings.map(\.person.user) == ["lisi"])
    }
}
