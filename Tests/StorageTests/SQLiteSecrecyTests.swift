import Access
import Bytes
import Crypto
import Foundation
import Synchronization
import Testing

@testable import Storage

extension SQLiteStore {
    fileprivate func execute(_ script: String) throws(StoreFailure) { try database().execute(script) }
}

/// What a copy of the file tells, and what happens with another key or under somebody's hands.
@Suite struct SQLiteSecrecyTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    @Test func aCopyOfTheStoreTellsNothingOfTheDirectoryAndOpensNothing() async throws {
        var person = member("zhangsan", name: "Secret Name 张三")
        person.email = "secret@example.com"
        person.mobile = "13912345678"
        person.corp = "wwsecretcorp"
        let store = try sqlite(folder.file())
        let sid = try await store.open(login(person, cookie: "cookie-value"), now: start).sid
        _ = try await store.enter(sid, host: "wiki", cookie: hash("host-cookie"), previous: nil, now: start)
        _ = try await store.put(.post, hash("post-key"), Array("a kept form".utf8), expires: after(60), now: start)
        let bytes = try folder.allBytes()
        for secret in ["Secret Name", "张三", "secret@", "13912345678", "wwsecretcorp", "cookie-value", "host-cookie", "post-key", "a kept form"] {
            #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(secret) is in the clear")
        }
        // The search works: this much is meant to be found.
        for clear in [sid, "zhangsan", "192.0.2.1", "Browser/1"] { #expect(bytes.range(of: Data(clear.utf8)) != nil) }
    }

    @Test func withAnotherKeyASessionIsUnknownAndTheAdministratorHears() async throws {
        let before = try sqlite(folder.file(), key: 1)
        let sid = try await before.open(login(member("a"), cookie: "c"), now: start).sid
        _ = try await before.put(.ticket, hash("t"), [1], expires: after(60), now: start)
        await before.close()
        let reports = Reports()
        let store = try sqlite(folder.file(), key: 2, trouble: { reports.add($0) })
        #expect(try await store.lookup(hash("c"), at: .auth, now: start) == .unknown)
        #expect(try await store.lookup(hash("c"), at: .auth, now: after(1)) == .unknown)
        #expect(reports.codes == [.corrupt])
        #expect(try await store.take(.ticket, hash("t"), now: after(61)) == nil)
        #expect(try await store.list(account: nil, now: after(61)).isEmpty)
        #expect(reports.codes == [.corrupt, .corrupt])
        #expect(try await store.enter(sid, host: "wiki", cookie: hash("w"), previous: nil, now: start) == nil)
        // The person logs in again and gets a new session; the old one stays unknown.
        #expect(try await store.open(login(member("a"), cookie: "d", previous: "c"), now: after(2)).sid != sid)
        #expect(try await store.lookup(hash("c"), at: .auth, now: after(2)) == .unknown)
    }

    @Test func whatStandsInTheClearCannotBeTurnedIntoAnotherPerson() async throws {
        for change in ["user = 'boss'", "account = 'boss'", "connection = 'east'", "sid = 'AAAAAAAAAAAAAAAAAAAAAA'"] {
            let place = try TemporaryFolder()
            let store = try sqlite(place.file())
            _ = try await store.open(login(member("a"), cookie: "c"), now: start)
            try await store.execute("UPDATE sessions SET \(change)")
            #expect(try await store.lookup(hash("c"), at: .auth, now: start) == .unknown)
        }
    }

    @Test func aCookieCannotBeGivenToAnotherSession() async throws {
        for change in [
            "UPDATE cookies SET session = (SELECT id FROM sessions WHERE user = 'boss')",
            "DELETE FROM sessions WHERE user = 'a'; UPDATE cookies SET session = (SELECT id FROM sessions)", "UPDATE cookies SET host = 'files'",
            "UPDATE cookies SET link = (SELECT link FROM cookies LIMIT 1)", "UPDATE cookies SET link = x''",
        ] {
            let place = try TemporaryFolder()
            let store = try sqlite(place.file())
            let boss = try await store.open(login(member("boss"), cookie: "b"), now: start).sid
            let sid = try await store.open(login(member("a"), cookie: "c"), now: start).sid
            _ = try await store.enter(sid, host: "wiki", cookie: hash("w"), previous: nil, now: start)
            try await store.execute("PRAGMA foreign_keys=OFF; \(change)")
            for host in ["wiki", "files"] {
                #expect(try await store.lookup(hash("w"), at: .host(host), now: start) == .unknown)
                // Shown as the cookie of before, it ends nobody's session.
                _ = try await store.enter(sid, host: host, cookie: hash("new \(host)"), previous: hash("w"), now: start)
            }
            #expect(try await store.list(account: "boss", now: start).map(\.sid) == [boss])
        }
    }

    @Test func detailsOfOneSessionDoNotFitAnother() async throws {
        let store = try sqlite(folder.file())
        _ = try await store.open(login(member("a", name: "A"), cookie: "a"), now: start)
        _ = try await store.open(login(member("b", name: "B"), cookie: "b"), now: start)
        try await store.execute("UPDATE sessions SET details = (SELECT details FROM sessions WHERE user = 'b') WHERE user = 'a'")
        #expect(try await store.lookup(hash("a"), at: .auth, now: start) == .unknown)
        #expect(try await store.lookup(hash("b"), at: .auth, now: start).sid != nil)
    }

    @Test func anEndedSessionKeepsNoDetails() async throws {
        let store = try sqlite(folder.file())
        _ = try await store.open(login(member("a", name: "A"), cookie: "a"), now: start)
        try await store.end(.all, now: start)
        let kept = try await store.details()
        #expect(kept == 0)
    }
}

extension SQLiteStore {
    fileprivate func details() throws(StoreFailure) -> Int64 { try database().integer("SELECT sum(length(details)) FROM sessions") }
}

private final class Reports: Sendable {
    private let all = Mutex<[StoreFailure]>([])
    var codes: [StoreFailure.Code] { all.withLock { $0.map(\.code) } }
    func add(_ failure: StoreFailure) { all.withLock { $0.append(failure) } }
}
