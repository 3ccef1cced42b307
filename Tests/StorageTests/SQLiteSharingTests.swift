import Access
import Bytes
import Crypto
import Testing

@testable import Storage

/// Two stores on one file, as a gateway and a command that revokes sessions.
@Suite struct SQLiteSharingTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    @Test func whatAnotherProcessEndsIsHeardByTheNextPoll() async throws {
        let gateway = try sqlite(folder.file())
        let heard = Heard(gateway)
        var sids: [String] = []
        for number in 0..<4 { sids.append(try await gateway.open(login(member("u\(number)"), cookie: "c\(number)"), now: start).sid) }
        try await gateway.poll(now: start)
        #expect(heard.notices == [])
        try await gateway.end(.sid(sids[3]), now: start)
        #expect(heard.ended == [sids[3]])
        let command = try sqlite(folder.file())
        #expect(Set(try await command.list(account: nil, now: start).map(\.sid)) == Set(sids[0...2]))
        try await command.end(.sid(sids[0]), now: after(1))
        try await command.end(.sid(sids[1]), now: after(1))
        await command.close()
        let endings = try await gateway.poll(now: after(1))
        #expect(endings == (0..<2).map { SessionEnding(sid: sids[$0], account: "u\($0)", connection: "corp") })
        // Its own ending is not told again.
        #expect(heard.notices == [.ended(sids: [sids[3]]), .ended(sids: [sids[0], sids[1]])])
        try await gateway.poll(now: after(2))
        #expect(heard.notices.count == 2)
        #expect(try await gateway.lookup(hash("c0"), at: .auth, now: after(2)).sid == nil)
        #expect(try await gateway.lookup(hash("c2"), at: .auth, now: after(2)).sid == sids[2])
    }

    @Test func whatAnotherProcessChangesIsHeardByTheNextPoll() async throws {
        let stores = [try sqlite(folder.file()), try sqlite(folder.file())]
        let heard = stores.map { Heard($0) }
        let sid = try await stores[0].open(login(member("a"), cookie: "c"), now: start).sid
        _ = try await stores[0].enter(sid, host: "wiki", cookie: hash("w1"), previous: nil, now: start)
        try await stores[1].poll(now: start)
        #expect(heard[1].changed == [sid])
        // A replaced cookie, and what the directory says by now.
        _ = try await stores[1].enter(sid, host: "wiki", cookie: hash("w2"), previous: hash("w1"), now: after(1))
        var moved = member("a")
        moved.account = "other"
        try await stores[1].update(moved, checked: after(2))
        let before = heard[0].notices.count
        try await stores[0].poll(now: after(2))
        #expect(heard[0].notices.dropFirst(before) == [.changed(sids: [sid])])
        // What is its own, and what was told, is not told again.
        let all = heard.map(\.notices.count)
        for store in stores { try await store.poll(now: after(3)) }
        #expect(heard.map(\.notices.count) == all)
        try await stores[0].sweep(now: after(302))
        #expect(try await stores[0].count(of: "changes") == 0)
    }

    @Test func whatWasEndedBeforeTheStartIsNotTold() async throws {
        let command = try sqlite(folder.file())
        _ = try await command.open(login(member("a"), cookie: "c"), now: start)
        try await command.end(.all, now: start)
        let gateway = try sqlite(folder.file())
        let heard = Heard(gateway)
        _ = try await command.open(login(member("b"), cookie: "d"), now: start)
        try await gateway.poll(now: start)
        #expect(heard.notices == [])
    }

    @Test func endingsAreHeardAfterEarlierOnesWereSwept() async throws {
        let (gateway, command) = (try sqlite(folder.file()), try sqlite(folder.file()))
        let heard = Heard(gateway)
        let first = try await gateway.open(login(member("a"), cookie: "c"), now: start).sid
        try await command.end(.all, now: start)
        try await gateway.poll(now: start)
        try await gateway.sweep(now: after(4000))
        let second = try await gateway.open(login(member("b"), cookie: "d"), now: after(4000)).sid
        try await command.end(.all, now: after(4001))
        try await gateway.poll(now: after(4001))
        #expect(heard.notices == [.ended(sids: [first]), .ended(sids: [second])])
    }

    @Test func aTicketIsTakenOnceByWhicheverProcess() async throws {
        let stores = [try sqlite(folder.file()), try sqlite(folder.file())]
        for number in 0..<20 {
            let key = hash("\(number)")
            _ = try await stores[0].put(.ticket, key, [1], expires: after(60), now: start)
            let taken = await withTaskGroup(of: Bool.self) { group in
                for store in stores { group.addTask { (try? await store.take(.ticket, key, now: start)) != nil } }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(taken == 1)
        }
    }

    @Test func storesThatMakeTheFileAtOnceAgreeOnIt() async throws {
        let path = folder.file()
        let opened = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 { group.addTask { (try? await sqlite(path).probe()) ?? false } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(opened == 4)
    }
}
