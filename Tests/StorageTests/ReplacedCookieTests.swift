import Access
import Bytes
import Storage
import Testing

/// What a worker must be told, or it would let a replaced cookie in for as long as it remembers it.
@Suite struct ReplacedCookieTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    @Test(arguments: Kind.allCases) func whoLooksUpAReplacedCookieLearnsUntilWhenItIsGood(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let session = try await store.open(login(member("a"), cookie: "c1"), now: start)
        _ = try await store.enter(session.sid, host: "wiki", cookie: hash("w1"), previous: nil, now: start)
        #expect(try await goodUntil("w1", store, start) == nil)
        _ = try await store.enter(session.sid, host: "wiki", cookie: hash("w2"), previous: hash("w1"), now: after(10))
        #expect(try await goodUntil("w1", store, after(20)) == after(40))
        #expect(try await goodUntil("w2", store, after(20)) == nil)
    }

    @Test(arguments: Kind.allCases) func aReplacementIsTold(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let one = try await store.open(login(member("a"), cookie: "c1"), now: start)
        let two = try await store.open(login(member("a"), cookie: "c2"), now: start)
        _ = try await store.enter(one.sid, host: "wiki", cookie: hash("w1"), previous: nil, now: start)
        let heard = Heard(store)
        _ = try await store.enter(one.sid, host: "wiki", cookie: hash("w2"), previous: hash("w1"), now: start)
        #expect(heard.changed == [one.sid])
        // The same person's other session, whose cookie this browser had.
        _ = try await store.enter(two.sid, host: "wiki", cookie: hash("w3"), previous: hash("w2"), now: start)
        #expect(heard.changed == [one.sid, two.sid] && heard.ended == [])
    }

    private func goodUntil(_ cookie: String, _ store: any SessionStore, _ now: WallTime) async throws -> WallTime? {
        guard case .live(let record) = try await store.lookup(hash(cookie), at: .host("wiki"), now: now) else {
            Issue.record("\(cookie) is not live")
            return nil
        }
        return record.cookieGoodUntil
    }
}
