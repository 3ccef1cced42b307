import Access
import Bytes
import Crypto
import HTTP
import Proxy
import Synchronization
import Telemetry
import Testing
import WeCom

@testable import Portal

/// What an event does to those who are logged in.
@Suite struct EventTests {
    let gate = Gate()
    let check: MemberCheck

    init() {
        let events = gate.events
        check = MemberCheck(
            options: gate.options, store: gate.store, providers: ["corp": gate.provider, "partner": gate.partner],
            records: PortalRecords(audit: { events.add($0) }), suspicions: gate.suspicions)
    }

    private func logIn(_ code: String = "code-zhangsan") async throws {
        await PortalTests.logIn(Browser(gate), to: "https://wiki.corp.example/", code: code)
    }

    @discardableResult private func hear(_ users: [String] = [], everybody: Bool = false, connection: String = "corp", signature: String = "s1") -> Bool {
        var change = DirectoryChange()
        change.users = users
        change.concernsEverybody = everybody
        return gate.suspicions.note(CallbackReader.Notification(signature: signature, change: change), connection: connection, now: gate.clock.now)
    }

    private func live() async throws -> [SessionRecord] { try await gate.store.list(account: nil, now: gate.clock.now) }

    private func gone(_ user: String, _ code: Int = 60111) {
        gate.provider.answers.withLock { $0.members[user] = .failure(WeComError(api: "user/get", errcode: code)) }
    }

    private func asked(_ user: String) -> Int { gate.provider.answers.withLock { $0.lookups[user, default: 0] } }

    @Test func whomAnEventNamesIsLookedUpHoweverFreshTheLastAnswerIs() async throws {
        try await logIn()
        try await logIn("code-lisi")
        gone("ZhangSan")
        gate.clock.advance(.seconds(1))
        hear(["zhangsan"])
        await check.attend()
        #expect(try await live().map(\.member.user) == ["lisi"])
        #expect(gate.events.all.last?.kind == .gone && gate.events.all.last?.result == "removed")
    }

    @Test func everybodyIsLookedUpByTheSweepAndOnlyOfThatConnection() async throws {
        try await logIn()
        try await logIn("code-lisi")
        gate.clock.advance(.seconds(1))
        hear(everybody: true, connection: "partner")
        await check.sweep()
        let before = asked("ZhangSan")
        hear(everybody: true, signature: "s2")
        await check.sweep()
        #expect(asked("ZhangSan") == before + 1)
        await check.sweep()
        #expect(asked("ZhangSan") == before + 1, "once is enough")
    }

    @Test func aFailedLookUpIsTriedAgainAfterASecondThenTwoThenFour() async throws {
        try await logIn()
        gone("ZhangSan", -1)
        gate.clock.advance(.seconds(1))
        let before = asked("ZhangSan")
        hear(["ZhangSan"])
        await check.attend()
        var times: [Int] = []
        for second in 1...16 {
            gate.clock.advance(.seconds(1))
            let before = asked("ZhangSan")
            await check.sweep()
            if asked("ZhangSan") > before { times.append(second) }
        }
        #expect(times == [1, 3, 7, 15])
        #expect(try await live().count == 1, "trouble of WeCom's ends nobody's session")
        gone("ZhangSan")
        hear(["ZhangSan"], signature: "s2")
        gate.clock.advance(.milliseconds(1))
        await check.attend()
        #expect(try await live().isEmpty, "a new event is followed at once")
        #expect(asked("ZhangSan") > before)
    }

    @Test func whatWasAskedBeforeTheEventDoesNotCount() async throws {
        let provider = GatedProvider()
        let check = MemberCheck(
            options: gate.options, store: gate.store, providers: ["corp": provider], records: PortalRecords(audit: { _ in }), suspicions: gate.suspicions)
        try await logIn()
        gate.clock.advance(.seconds(600))
        let record = try #require(try await live().first)
        async let early = check.recheck(record)
        while provider.waiting == 0 { await Task.yield() }
        gate.clock.advance(.milliseconds(5))
        hear(["ZhangSan"])
        async let late: Void = check.attend()
        for _ in 0..<100 { await Task.yield() }
        provider.answer(.success(DirectoryMember(user: "ZhangSan")))
        while provider.waiting == 0 { await Task.yield() }
        provider.answer(.failure(WeComError(api: "user/get", errcode: 60111)))
        _ = await early
        await late
        #expect(try await live().isEmpty)
    }

    @Test func whoeverWasLoggingInWhenTheEventCameIsLookedUpToo() async throws {
        let asked = gate.clock.now
        gate.clock.advance(.milliseconds(10))
        hear(["ZhangSan"])
        await check.attend()
        var login = Login(
            member: Member(connection: "corp", corp: "ww0123456789abcdef", user: "ZhangSan", account: "ZhangSan"), authTime: asked, amr: ["wecom"], address: "", userAgent: "",
            cookie: Digest.sha256("x"), previous: nil)
        login.member.name = "张三"
        _ = try await gate.store.open(login, now: asked)
        gone("ZhangSan")
        gate.clock.advance(.seconds(2))
        await check.sweep()
        #expect(try await live().isEmpty)
    }

    @Test func aReplayIsNoNews() {
        #expect(hear(["a"]))
        #expect(!hear(["a"]))
        #expect(hear(["a"], connection: "partner"), "another connection's may look alike")
        #expect(hear(["a"], signature: "s2"))
    }

    @Test func whoHasNoSessionIsForgottenAfterAWhile() async {
        hear(["nobody"])
        await check.attend()
        #expect(gate.suspicions.named.count == 1)
        gate.clock.advance(.seconds(31))
        await check.sweep()
        #expect(gate.suspicions.named.isEmpty && asked("nobody") == 0)
    }

    @Test func moreNamesThanCanBeKeptMeanEverybody() {
        for batch in 0..<11 { hear((0..<1000).map { "u\(batch)-\($0)" }, signature: "s\(batch)") }
        #expect(gate.suspicions.named.count == Suspicions.capacity)
        #expect(gate.suspicions.crowds["corp"] == gate.clock.now)
    }

    @Test func somebodyIsWokenForNamesAndForNothingElse() {
        let wakes = Mutex(0)
        gate.suspicions.subscribe { wakes.withLock { $0 += 1 } }
        hear(everybody: true)
        hear(signature: "s2")
        #expect(wakes.withLock { $0 } == 0)
        hear(["a"], signature: "s3")
        #expect(wakes.withLock { $0 } == 1)
    }

    @Test func membersAreLookedUpNoFasterThanWeComBears() {
        var pace = Pace()
        let start = WallTime(seconds: 1_700_000_000)
        var granted = pace.grant(10_000, now: start)
        #expect(granted == Pace.burst)
        for tick in 1...600 { granted += pace.grant(10_000, now: start.advanced(by: .milliseconds(100 * tick))) }
        #expect((6000...Pace.burst + 6000).contains(granted), "in a minute: \(granted)")
        #expect(granted < 7500)
        let afterwards = pace.grant(10_000, now: start.advanced(by: .seconds(3600)))
        #expect(afterwards == Pace.burst)
        let back = pace.grant(1, now: start)
        #expect(back == 1, "a clock that was set back stops nobody")
    }
}

/// Answers when the test says so.
final class GatedProvider: IdentityProvider {
    private let waiters = Mutex<[CheckedContinuation<Result<DirectoryMember, WeComError>, Never>]>([])
    var waiting: Int { waiters.withLock { $0.count } }

    func identify(code: String) async throws(WeComError) -> Identity { .outsider }

    func member(userid: String) async throws(WeComError) -> DirectoryMember {
        let answer: Result<DirectoryMember, WeComError> = await withCheckedContinuation { waiter in waiters.withLock { $0.append(waiter) } }
        return try answer.get()
    }

    func pageTickets() async throws(WeComError) -> PageTickets? { nil }

    func answer(_ result: Result<DirectoryMember, WeComError>) { waiters.withLock { $0.removeFirst() }.resume(returning: result) }
}
