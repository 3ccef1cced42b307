import Access
import Bytes
import Storage
import Testing

@Suite struct DueTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    @Test(arguments: Kind.allCases) func membersWhoWereNotAskedAboutForLongAreDueTheOldestFirst(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        var sids: [String] = []
        for (index, user) in ["a", "b", "c", "d"].enumerated() {
            let time = after(Int64(index) * 10)
            sids.append(try await store.open(login(member(user, name: "N"), cookie: user, at: time), now: time).sid)
        }
        try await store.update(member("a"), checked: after(100))
        try await store.end(.sid(sids[3]), now: after(100))
        let due = try await store.due(before: after(99), of: nil, limit: 10, now: after(200))
        #expect(due.map(\.sid) == [sids[1], sids[2]] && due[0].member.name == "N")
        #expect(try await store.due(before: after(10), of: nil, limit: 10, now: after(200)).map(\.sid) == [sids[1]])
        #expect(try await store.due(before: after(100), of: nil, limit: 1, now: after(200)).map(\.sid) == [sids[1]])
        #expect(try await store.due(before: after(100), of: nil, limit: 10, now: after(200)).map(\.sid) == [sids[1], sids[2], sids[0]])
        #expect(try await store.due(before: after(100), of: nil, limit: 10, now: after(10_000)).isEmpty, "idle sessions are over")
    }
}
