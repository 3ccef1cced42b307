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

@Suite struct MemberCheckTests {
    let gate = Gate()
    let check: MemberCheck

    init() {
        let events = gate.events
        check = MemberCheck(
            options: gate.options, store: gate.store, providers: ["corp": gate.provider, "partner": gate.partner],
            records: PortalRecords(audit: { events.add($0) }), suspicions: gate.suspicions)
    }

    private func session() async throws -> SessionRecord {
        await logIn(Browser(gate), to: "https://wiki.corp.example/")
        return try #require(try await gate.store.list(account: nil, now: gate.clock.now).first)
    }

    private func directory(_ result: Result<DirectoryMember, WeComError>) {
        gate.provider.answers.withLock { $0.members["ZhangSan"] = result }
    }

    @Test func aFreshAnswerIsNotAskedForAgain() async throws {
        let record = try await session()
        directory(.failure(WeComError(api: "user/get", errcode: 60111)))
        gate.clock.advance(.seconds(599))
        #expect(check.standing(of: record, now: gate.clock.now) == .fresh)
        #expect(await check.recheck(record) == .stands)
        #expect(try await gate.store.count(now: gate.clock.now) == 1)
    }

    @Test func whatTheDirectorySaysNowIsWrittenIntoTheSession() async throws {
        let record = try await session()
        var member = DirectoryMember(user: "ZhangSan")
        member.name = "张三丰"
        member.departments = [3]
        directory(.success(member))
        gate.clock.advance(.seconds(600))
        #expect(await check.recheck(record) == .stands)
        let now = try #require(try await gate.store.list(account: nil, now: gate.clock.now).first)
        #expect(now.member.name == "张三丰")
        #expect(now.member.departments == [3])
        #expect(now.checked == gate.clock.now)
    }

    @Test(arguments: [60111, 60011])
    func aMemberWhoIsGoneIsOut(_ code: Int) async throws {
        let record = try await session()
        directory(.failure(WeComError(api: "user/get", errcode: code)))
        gate.clock.advance(.seconds(600))
        #expect(await check.recheck(record) == .ended)
        #expect(try await gate.store.count(now: gate.clock.now) == 0)
        #expect(gate.events.all.last?.kind == .gone)
        #expect(gate.events.all.last?.errcode == code)
    }

    @Test func aDisabledMemberIsOut() async throws {
        let record = try await session()
        gate.provider.knows("ZhangSan", by: "x", status: .disabled)
        gate.clock.advance(.seconds(600))
        #expect(await check.recheck(record) == .ended)
    }

    @Test(arguments: [WeComError.unreachable("user/get"), .badAnswer("user/get"), WeComError(api: "user/get", errcode: 60020), WeComError(api: "user/get", errcode: 40003)])
    func theLastAnswerStandsForTheGraceWhileWeComIsInTrouble(_ error: WeComError) async throws {
        let record = try await session()
        directory(.failure(error))
        gate.clock.advance(.seconds(600))
        #expect(await check.recheck(record) == .stands)
        gate.clock.advance(.seconds(3599))
        #expect(await check.recheck(record) == .stands)
        gate.clock.advance(.seconds(1))
        #expect(check.standing(of: record, now: gate.clock.now) == .overdue)
        #expect(await check.recheck(record) == .unavailable)
        gate.provider.knows("ZhangSan", by: "x")
        gate.clock.advance(.seconds(30))
        #expect(await check.recheck(record) == .stands)
    }

    @Test func outsideTheVisibleRangeStaysWhereThatDoesNotMatter() async throws {
        let gate = Gate { $0.connections[0].changeApp { $0.visibleRangeOnly = false } }
        await logIn(Browser(gate), to: "https://wiki.corp.example/")
        let record = try #require(try await gate.store.list(account: nil, now: gate.clock.now).first)
        gate.provider.answers.withLock { $0.members["ZhangSan"] = .failure(WeComError(api: "user/get", errcode: 60011)) }
        gate.clock.advance(.seconds(600))
        let check = MemberCheck(options: gate.options, store: gate.store, providers: ["corp": gate.provider], records: PortalRecords(audit: { _ in }), suspicions: gate.suspicions)
        #expect(await check.recheck(record) == .stands)
        #expect(try await gate.store.list(account: nil, now: gate.clock.now).first?.member.name == "张三")
    }

    @Test func aHundredRequestsAtOnceAskWeComOnce() async throws {
        let slow = SlowProvider()
        let check = MemberCheck(
            options: gate.options, store: gate.store, providers: ["corp": slow], records: PortalRecords(audit: { _ in }), suspicions: gate.suspicions)
        let record = try await session()
        gate.clock.advance(.seconds(600))
        let outcomes = await withTaskGroup { group in
            for _ in 0..<100 { group.addTask { await check.recheck(record) } }
            var all: [MemberStanding] = []
            for await outcome in group { all.append(outcome) }
            return all
        }
        #expect(outcomes == Array(repeating: .stands, count: 100))
        #expect(slow.calls == 1)
    }

    @Test func theSweepLooksEveryMemberUpOnce() async throws {
        for _ in 0..<3 { await logIn(Browser(gate), to: "https://wiki.corp.example/") }
        await logIn(Browser(gate), to: "https://wiki.corp.example/", code: "code-lisi")
        gate.provider.answers.withLock { $0.members["lisi"] = .failure(WeComError(api: "user/get", errcode: 60111)) }
        gate.clock.advance(.seconds(600))
        await check.sweep()
        let left = try await gate.store.list(account: nil, now: gate.clock.now)
        #expect(left.count == 3)
        #expect(left.allSatisfy { $0.checked == gate.clock.now })
    }
}

/// Answers slowly, and counts how often it was asked.
final class SlowProvider: IdentityProvider {
    private let count = Mutex(0)
    var calls: Int { count.withLock { $0 } }

    func identify(code: String) async throws(WeComError) -> Identity { .outsider }

    func member(userid: String) async throws(WeComError) -> DirectoryMember {
        count.withLock { $0 += 1 }
        for _ in 0..<50 { await Task.yield() }
        return DirectoryMember(user: userid)
    }
}
