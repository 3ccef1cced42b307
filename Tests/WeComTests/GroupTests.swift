import Bytes
import Testing

@testable import WeCom

@Suite struct GroupTests {
    private let wecom = WeComProtocol(WeComApp(corpID: "ww1", agentID: 1, secret: "s"))

    private func answer(_ text: String) -> APIAnswer { APIAnswer(status: 200, body: Array(text.utf8)) }

    @Test("departments are asked for as a whole, tags one by one")
    func calls() {
        #expect(wecom.departments(token: Hidden("T")).url == "https://qyapi.weixin.qq.com/cgi-bin/department/simplelist?access_token=T")
        #expect(wecom.tag(7, token: Hidden("T")).url == "https://qyapi.weixin.qq.com/cgi-bin/tag/get?access_token=T&tagid=7")
        #expect(wecom.tag(7, token: Hidden("T")).api == "tag/get")
    }

    @Test("a list of departments becomes a tree")
    func tree() throws {
        let tree = try wecom.readDepartments(answer(#"{"errcode":0,"errmsg":"ok","department_id":[{"id":2,"parentid":1,"order":10},{"id":5,"parentid":2,"order":40},{"id":1,"parentid":0}]}"#))
        #expect(tree == DepartmentTree(parents: [2: 1, 5: 2, 1: 0]))
        #expect(try wecom.readDepartments(answer(#"{"errcode":0,"department_id":[]}"#)) == DepartmentTree())
    }

    @Test("an answer that is none is refused", arguments: [
        #"{"errcode":0}"#, #"{"errcode":0,"department_id":5}"#, #"{"errcode":0,"department_id":[{"id":"2","parentid":1}]}"#, #"{"errcode":0,"department_id":[{"id":2}]}"#,
        #"{"errcode":0,"department_id":[{"id":2,"parentid":1},{"id":2,"parentid":3}]}"#, #"{"department_id":[]}"#, "", "<html>",
    ])
    func noTree(text: String) { #expect(throws: WeComError.badAnswer("department/simplelist")) { try wecom.readDepartments(answer(text)) } }

    @Test("a tag has users and departments, and either may be missing")
    func tags() throws {
        let tag = try wecom.readTag(answer(#"{"errcode":0,"tagname":"x","userlist":[{"userid":"ZhangSan","name":"张三"}],"partylist":[2,3]}"#))
        #expect(tag == TagHolders(users: ["zhangsan"], departments: [2, 3]))
        #expect(try wecom.readTag(answer(#"{"errcode":0,"tagname":"x"}"#)) == TagHolders())
        #expect(throws: WeComError.badAnswer("tag/get")) { try wecom.readTag(answer(#"{"errcode":0,"userlist":["a"]}"#)) }
        #expect(throws: WeComError(api: "tag/get", errcode: 40068)) { try wecom.readTag(answer(#"{"errcode":40068}"#)) }
        #expect(WeComError(api: "tag/get", errcode: 81011).kind == .config)
    }

    @Test("30,000 departments and as many holders of a tag are read")
    func large() throws {
        let list = (1...30_000).map { #"{"id":\#(1_000_000_000 + $0),"parentid":\#(1_000_000_000 + $0 / 2),"order":100000000}"# }.joined(separator: ",")
        let tree = try wecom.readDepartments(answer(#"{"errcode":0,"errmsg":"ok","department_id":[\#(list)]}"#))
        #expect(tree.withAbove([1_000_030_000]).count == 15)
        let users = (1...30_000).map { #"{"userid":"a-rather-long-user-id-\#($0)","name":"某某某"}"# }.joined(separator: ",")
        #expect(try wecom.readTag(answer(#"{"errcode":0,"userlist":[\#(users)]}"#)).users.count == 30_000)
    }

    @Test("above a department lie those that the app may see, the nearest first, each once", arguments: [
        ([5], [5, 2, 1]), ([1], [1]), ([5, 4], [5, 4, 2, 1]), ([9], [9]), ([7], [7]), ([20], [20, 21]), ([], []), ([5, 2, 5], [5, 2, 1]),
    ])
    func above(departments: [Int], expected: [Int]) {
        // 7 lies in 6, which the app may not see; 20 and 21 lie in each other.
        let tree = DepartmentTree(parents: [1: 0, 2: 1, 4: 1, 5: 2, 7: 6, 20: 21, 21: 20])
        #expect(tree.withAbove(departments) == expected)
    }

    @Test("a new department changes nothing for the others, unless it lies above them", arguments: [
        ([1: 0, 2: 1, 3: 2], true), ([1: 0, 2: 1, 3: 2, 4: 1], true), ([1: 0, 2: 1], false), ([1: 0, 2: 1, 3: 1], false), ([1: 0, 2: 1, 3: 2, 9: 3], true), ([0: 5, 1: 0, 2: 1, 3: 2], false),
    ] as [([Int: Int], Bool)])
    func growing(parents: [Int: Int], expected: Bool) {
        #expect(DepartmentTree(parents: parents).holds(DepartmentTree(parents: [1: 0, 2: 1, 3: 2])) == expected)
    }

    @Test("a tag is carried by name, by department, and by what lies below it")
    func placing() {
        let groups = CorpGroups(
            tree: DepartmentTree(parents: [1: 0, 2: 1, 5: 2]),
            tags: [7: TagHolders(users: ["zhangsan"]), 8: TagHolders(departments: [2]), 9: TagHolders(departments: [5]), 6: TagHolders()])
        var member = DirectoryMember(user: "ZhangSan")
        member.departments = [5]
        let placed = groups.placed(member)
        #expect(placed.departments == [5, 2, 1] && placed.tags == [7, 8, 9])
        #expect(groups.fits(user: "ZHANGSAN", departments: [1, 2, 5], tags: [7, 8, 9]))
        #expect(!groups.fits(user: "zhangsan", departments: [5], tags: [7, 8, 9]) && !groups.fits(user: "zhangsan", departments: [5, 2, 1], tags: [7]))
        #expect(groups.placed(DirectoryMember(user: "lisi")).tags == [])
    }
}

@Suite struct GroupCacheTests {
    private static let minute: UInt64 = 60_000_000_000
    private let groups = CorpGroups(tree: DepartmentTree(parents: [1: 0]))
    private let trouble = WeComError.unreachable("tag/get")

    private func time(_ minutes: UInt64) -> MonotonicTime { MonotonicTime(nanoseconds: minutes * Self.minute) }

    @Test("one reads, the others wait; what was read stands until it is too old")
    func life() {
        var cache = GroupCache(maximumAge: .seconds(600), grace: .seconds(3600))
        #expect(cache.advice(at: time(0)) == .read && cache.advice(at: time(0)) == .wait)
        cache.read(groups, begun: time(0))
        #expect(cache.advice(at: time(9)) == .use(groups))
        #expect(cache.advice(at: time(10)) == .read && cache.advice(at: time(10)) == .wait)
    }

    @Test("after a failure the last answer may stand for the grace, and the next try is half a minute away")
    func failures() {
        var cache = GroupCache(maximumAge: .seconds(600), grace: .seconds(3600))
        #expect(cache.advice(at: time(0)) == .read)
        #expect(cache.failed(trouble, at: time(0)) == nil)
        #expect(cache.advice(at: MonotonicTime(nanoseconds: Self.minute / 2 - 1)) == .fail(trouble, last: nil))
        #expect(cache.advice(at: time(1)) == .read)
        cache.read(groups, begun: time(1))
        #expect(cache.advice(at: time(12)) == .read)
        #expect(cache.failed(trouble, at: time(12)) == groups)
        #expect(cache.advice(at: time(12)) == .fail(trouble, last: groups))
        #expect(cache.advice(at: time(70)) == .read)
        #expect(cache.failed(trouble, at: time(71)) == nil)
    }

    @Test("what is known to have changed is not used again, whether the next try succeeds or not, nor is what was read meanwhile")
    func forgetting() {
        var cache = GroupCache(maximumAge: .seconds(600), grace: .seconds(3600))
        #expect(cache.advice(at: time(0)) == .read)
        cache.read(groups, begun: time(0))
        cache.forget()
        #expect(cache.advice(at: time(1)) == .read)
        #expect(cache.failed(trouble, at: time(1)) == groups)
        #expect(cache.advice(at: time(2)) == .read)
        cache.forget()
        cache.read(groups, begun: time(2))
        #expect(cache.advice(at: time(2)) == .read)
        cache.read(groups, begun: time(2))
        #expect(cache.advice(at: time(2)) == .use(groups))
    }
}
