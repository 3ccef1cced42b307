import Access
import Bytes
import Proxy
import Synchronization
import Telemetry
import Testing
import WeCom

@testable import Portal

/// Departments and tags as tests want them; how often they are read is counted.
private final class FakeGroups: GroupSource {
    struct State: Sendable {
        var tree: Result<DepartmentTree, WeComError> = .success(DepartmentTree(parents: [1: 0, 2: 1, 3: 2]))
        var tags: [Int: Result<TagHolders, WeComError>] = [:]
        var reads = 0
        var time: UInt64 = 0
    }
    let state = Mutex(State())

    func departments() async throws(WeComError) -> DepartmentTree {
        await Task.yield()
        return try state.withLock { state in
            state.reads += 1
            return state.tree
        }.get()
    }
    func tag(_ id: Int) async throws(WeComError) -> TagHolders { try state.withLock { $0.tags[id] ?? .success(TagHolders()) }.get() }

    func groups(_ needs: GroupNeeds) -> Groups {
        Groups(needs, from: self, maximumAge: .seconds(600), grace: .seconds(3600)) { MonotonicTime(nanoseconds: self.state.withLock { $0.time }) }
    }
    func advance(_ seconds: UInt64) { state.withLock { $0.time += seconds * 1_000_000_000 } }
    var reads: Int { state.withLock { $0.reads } }
}

private func lisi(_ departments: [Int] = [3]) -> DirectoryMember {
    var member = DirectoryMember(user: "LiSi")
    member.departments = departments
    return member
}

private func placed(_ departments: [Int], _ tags: [Int]) -> DirectoryMember {
    var member = lisi(departments)
    member.tags = tags
    return member
}

@Suite(.timeLimit(.minutes(5))) struct GroupsTests {
    private let source = FakeGroups()
    private let trouble = WeComError.unreachable("department/simplelist")

    @Test func `a member gets the departments above their own and the tags that are asked for, read once for all`() async {
        source.state.withLock { $0.tags = [7: .success(TagHolders(departments: [2])), 8: .success(TagHolders(users: ["lisi"])), 9: .success(TagHolders(users: ["lisi"]))] }
        let groups = source.groups(GroupNeeds(departments: true, tags: [7, 8]))
        let all = await withTaskGroup(of: Placement.self) { group in
            for _ in 0..<100 { group.addTask { await groups.place(lisi()) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(all == Array(repeating: .sure(placed([3, 2, 1], [7, 8])), count: 100))
        #expect(source.reads == 1)
        source.advance(599)
        #expect(await groups.place(lisi()) == .sure(placed([3, 2, 1], [7, 8])))
        #expect(source.reads == 1)
        source.advance(1)
        #expect(await groups.place(lisi()) == .sure(placed([3, 2, 1], [7, 8])))
        #expect(source.reads == 2)
    }

    @Test(arguments: [GroupNeeds(departments: true), GroupNeeds(tags: [7])])
    func `where a rule needs what cannot be read there is doubt`(needs: GroupNeeds) async {
        source.state.withLock { $0.tree = .failure(trouble) }
        let groups = source.groups(needs)
        #expect(await groups.place(lisi()) == .doubtful(nil, trouble))
        source.state.withLock { $0.tree = .success(DepartmentTree(parents: [3: 1, 1: 0])) }
        source.advance(29)
        #expect(await groups.place(lisi()) == .doubtful(nil, trouble), "not asked in a hurry")
        source.advance(1)
        #expect(await groups.place(lisi()) == .sure(placed([3, 1], [])))
        source.state.withLock { $0.tree = .failure(trouble) }
        source.advance(600)
        #expect(await groups.place(lisi()) == .doubtful(placed([3, 1], []), trouble))
        source.advance(3600)
        #expect(await groups.place(lisi()) == .doubtful(nil, trouble))
    }

    @Test func `where no rule needs it nothing depends on it`() async {
        source.state.withLock { $0.tree = .failure(trouble) }
        #expect(await source.groups(GroupNeeds()).place(lisi()) == .sure(placed([3], [])))
    }

    @Test(arguments: [40068, 81011, 60011])
    func `a tag that is not there or not ours to see is nobody's, and says nothing of others`(code: Int) async {
        source.state.withLock { $0.tags = [7: .failure(WeComError(api: "tag/get", errcode: code)), 8: .success(TagHolders(users: ["lisi"]))] }
        #expect(await source.groups(GroupNeeds(tags: [7, 8])).place(lisi()) == .sure(placed([3, 2, 1], [8])))
    }

    @Test func `any other failure of a tag is doubt`() async {
        let busy = WeComError(api: "tag/get", errcode: 45009)
        source.state.withLock { $0.tags = [7: .failure(busy)] }
        #expect(await source.groups(GroupNeeds(tags: [7, 8])).place(lisi()) == .doubtful(nil, busy))
    }

    @Test func `an app that sees no department has none`() async {
        source.state.withLock { $0.tree = .failure(WeComError(api: "department/simplelist", errcode: 60011)) }
        #expect(await source.groups(GroupNeeds(departments: true)).place(lisi([])) == .sure(placed([], [])))
    }

    @Test func `news tells whether the tree is another, once`() async {
        let groups = source.groups(GroupNeeds(departments: true))
        #expect(groups.takeNews() == nil)
        await groups.renew()
        #expect(groups.takeNews()?.treeChanged == false && groups.takeNews() == nil)
        source.state.withLock { $0.tree = .success(DepartmentTree(parents: [1: 0])) }
        groups.forget()
        await groups.renew()
        await groups.renew()
        #expect(groups.takeNews()?.treeChanged == true && source.reads == 2)
    }
}

/// A provider whose departments and tags are asked for by rules.
private final class RuledProvider: IdentityProvider {
    let provider: FakeProvider
    let groups: Groups?
    init(_ provider: FakeProvider, _ groups: Groups) { (self.provider, self.groups) = (provider, groups) }
    func identify(code: String) async throws(WeComError) -> Identity { try await provider.identify(code: code) }
    func member(userid: String) async throws(WeComError) -> DirectoryMember { try await provider.member(userid: userid) }
}

@Suite(.timeLimit(.minutes(5))) struct RuledMemberTests {
    private let gate = Gate()
    private let source = FakeGroups()
    private let check: MemberCheck
    private let provider: RuledProvider

    init() {
        source.state.withLock { $0.tags = [7: .success(TagHolders(departments: [2]))] }
        provider = RuledProvider(gate.provider, source.groups(GroupNeeds(departments: true, tags: [7])))
        check = MemberCheck(options: gate.options, store: gate.store, providers: ["corp": provider, "partner": gate.partner], records: PortalRecords(audit: { _ in }), suspicions: Suspicions())
        move("ZhangSan", to: [3])
    }

    private func move(_ user: String, to departments: [Int]) {
        gate.provider.answers.withLock {
            var member = DirectoryMember(user: user)
            member.departments = departments
            $0.members[user] = .success(member)
        }
    }

    /// A session as it was before anybody asked for departments.
    private func session() async throws -> SessionRecord {
        await logIn(Browser(gate), to: "https://wiki.corp.example/")
        return try await current()
    }

    private func current() async throws -> SessionRecord { try #require(try await gate.store.list(account: "zhangsan", now: gate.clock.now).first) }

    private func expect(_ departments: [Int], _ tags: [Int]) async throws {
        let member = try await current().member
        #expect(member.departments == departments)
        #expect(member.tags == tags)
    }

    private func pass(_ seconds: UInt64) {
        gate.clock.advance(.seconds(Int64(seconds)))
        source.advance(seconds)
    }

    @Test func `a login rests on no doubtful answer`() async throws {
        let member = try await provider.logIn(code: "code-zhangsan", visibleRangeOnly: true)
        #expect(member.departments == [3, 2, 1] && member.tags == [7])
        source.state.withLock { $0.tree = .failure(.unreachable("department/simplelist")) }
        source.advance(600)
        await #expect(throws: LoginRefusal(.unreachable, error: .unreachable("department/simplelist"), user: "ZhangSan")) {
            try await provider.logIn(code: "code-zhangsan", visibleRangeOnly: true)
        }
    }

    @Test func `the sweep brings what rules ask into sessions that do not know it, and what changed into all`() async throws {
        _ = try await session()
        gate.clock.advance(.seconds(1))
        await check.sweep()
        try await expect([3, 2, 1], [7])
        source.state.withLock { $0.tags = [7: .success(TagHolders(users: ["lisi"]))] }
        pass(599)
        await check.sweep()
        #expect(try await current().member.tags == [7])
        pass(1)
        await check.sweep()
        #expect(try await current().member.tags == [])
    }

    @Test func `what is told to have changed is read and looked up at the next sweep`() async throws {
        _ = try await session()
        gate.clock.advance(.seconds(1))
        await check.sweep()
        source.state.withLock { $0.tree = .success(DepartmentTree(parents: [1: 0, 3: 1, 2: 1])) }
        gate.clock.advance(.seconds(1))
        await check.sweep()
        try await expect([3, 2, 1], [7])
        provider.groups?.forget()
        await check.sweep()
        try await expect([3, 1], [])
    }

    @Test func `while they cannot be read the last answer stands for the grace, and what is known of the member counts at once`() async throws {
        _ = try await session()
        gate.clock.advance(.seconds(1))
        await check.sweep()
        let checked = try await current().checked
        source.state.withLock { $0.tree = .failure(.unreachable("department/simplelist")) }
        move("ZhangSan", to: [1])
        pass(600)
        #expect(await check.recheck(try await current()) == .stands)
        try await expect([1], [])
        #expect(try await current().checked == checked)
        pass(3600)
        #expect(await check.recheck(try await current()) == .unavailable)
    }

    @Test func `whoever leaves the visible range has no departments, where they may stay at all`() async throws {
        let gate = Gate { $0.connections[0].changeApp { $0.visibleRangeOnly = false } }
        await logIn(Browser(gate), to: "https://wiki.corp.example/")
        let record = try #require(try await gate.store.list(account: nil, now: gate.clock.now).first)
        gate.provider.answers.withLock { $0.members["ZhangSan"] = .failure(WeComError(api: "user/get", errcode: 60011)) }
        let check = MemberCheck(options: gate.options, store: gate.store, providers: ["corp": RuledProvider(gate.provider, source.groups(GroupNeeds(departments: true)))], records: PortalRecords(audit: { _ in }), suspicions: Suspicions())
        gate.clock.advance(.seconds(600))
        #expect(await check.recheck(record) == .stands)
        let now = try #require(try await gate.store.list(account: nil, now: gate.clock.now).first)
        #expect(now.member.departments == [] && now.member.name == "张三")
    }
}
