import Access
import Bytes
import Crypto
import Foundation
import Synchronization
import Testing

@testable import Storage

extension SQLiteStore {
    fileprivate func execute(_ script: String) throws(StoreFailure) { try database().execute(script) }
    fileprivate func integer(_ sql: String) throws(StoreFailure) -> Int64 { try database().integer(sql) }
}

private func code(_ expected: StoreFailure.Code) -> (any Error) -> Bool { { ($0 as? StoreFailure)?.code == expected } }

/// What may happen to a file, and to the process that uses it.
@Suite struct SQLiteFileTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    // MARK: - The end of the process

    @Test func sessionsAndTicketsSurviveARestart() async throws {
        let before = try sqlite(folder.file())
        let record = try await before.open(login(member("a", name: "Anna"), cookie: "c"), now: start)
        _ = try await before.enter(record.sid, host: "wiki", cookie: hash("w"), previous: nil, now: start)
        _ = try await before.put(.ticket, hash("t"), [1, 2, 3], expires: after(60), now: start)
        await before.close()
        let later = try sqlite(folder.file())
        var expected = record
        expected.hosts = ["wiki"]
        #expect(try await later.lookup(hash("c"), at: .auth, now: start) == .live(expected))
        #expect(try await later.lookup(hash("w"), at: .host("wiki"), now: start) == .live(expected))
        #expect(try await later.take(.ticket, hash("t"), now: start) == [1, 2, 3])
        #expect(try await later.count(now: start) == 1)
    }

    /// A killed process leaves the files as they are, with the log not merged. Copied here, since this process cannot be killed.
    @Test func nothingAnsweredIsLostWhenTheProcessIsKilled() async throws {
        let store = try sqlite(folder.file())
        for number in 0..<20 { _ = try await store.open(login(member("u\(number)"), cookie: "c\(number)"), now: start) }
        try await store.end(.account("u3"), now: after(1))
        let crash = try TemporaryFolder()
        for suffix in ["", "-wal"] { try FileManager.default.copyItem(atPath: folder.file() + suffix, toPath: crash.file() + suffix) }
        let again = try sqlite(crash.file())
        #expect(try await again.count(now: after(1)) == 19)
        #expect(try await again.lookup(hash("c19"), at: .auth, now: after(1)).sid != nil)
        #expect(try await again.lookup(hash("c3"), at: .auth, now: after(1)).ending == Ending(connection: "corp", user: "u3", at: after(1)))
        withExtendedLifetime(store) {}
    }

    @Test func aLogThatWasCutShortCostsOnlyWhatWasInTheCut() async throws {
        let store = try sqlite(folder.file())
        _ = try await store.open(login(member("a"), cookie: "a"), now: start)
        let crash = try TemporaryFolder()
        try FileManager.default.copyItem(atPath: folder.file(), toPath: crash.file())
        let log = try Data(contentsOf: URL(fileURLWithPath: folder.file() + "-wal"))
        _ = try await store.open(login(member("b"), cookie: "b"), now: start)
        let more = try Data(contentsOf: URL(fileURLWithPath: folder.file() + "-wal"))
        try more.prefix(log.count + (more.count - log.count) / 2).write(to: URL(fileURLWithPath: crash.file() + "-wal"))
        let again = try sqlite(crash.file())
        #expect(try await again.lookup(hash("a"), at: .auth, now: start).sid != nil)
        #expect(try await again.lookup(hash("b"), at: .auth, now: start) == .unknown)
    }

    // MARK: - Who waits

    @Test func whatIsPatientWaitsBehindAllElse() async throws {
        let store = try sqlite(folder.file())
        let sid = try await store.open(login(member("a"), cookie: "c"), now: start).sid
        final class Count: Sendable { let value = Mutex(0) }
        let done = Count()
        let crowd = (0..<4000).map { number in
            Task(priority: .low) {
                _ = try await store.put(.state, hash("\(number)"), [1], of: "crowd", expires: after(60), now: start)
                done.value.withLock { $0 += 1 }
            }
        }
        let found = try await Task(priority: .medium) { try await store.lookup(hash("c"), at: .auth, now: start).sid }.value
        #expect(found == sid)
        #expect(done.value.withLock { $0 } < 4000)
        for task in crowd { try await task.value }
        #expect(try await store.count(of: "one_time") == 4000)
    }

    // MARK: - Versions

    @Test func anOlderFileIsBroughtForwardWithItsSessions() async throws {
        let old = try sqlite(folder.file())
        _ = try await old.open(login(member("a"), cookie: "c"), now: start)
        await old.close()
        let next = Schema(steps: Schema.current.steps + ["ALTER TABLE sessions ADD COLUMN note TEXT NOT NULL DEFAULT 'none'; CREATE TABLE more (x);"])
        let new = try sqlite(folder.file(), schema: next)
        #expect(try await new.integer("PRAGMA user_version") == next.version)
        #expect(try await new.integer("SELECT count(*) FROM sessions WHERE note = 'none'") == 1)
        #expect(try await new.lookup(hash("c"), at: .auth, now: start).sid != nil)
    }

    @Test func anOlderFileIsLeftToTheGateway() async throws {
        let first = try sqlite(folder.file(), upgrades: false)
        await first.close()
        let next = Schema(steps: Schema.current.steps + ["CREATE TABLE more (x)"])
        let before = try folder.allBytes()
        #expect(performing: { try sqlite(folder.file(), schema: next, upgrades: false) }, throws: code(.older))
        #expect(try folder.allBytes() == before)
        let again = try sqlite(folder.file(), upgrades: false)
        #expect(try await again.integer("PRAGMA user_version") == Schema.current.version)
    }

    @Test func aStepThatFailsLeavesTheFileAsItWas() async throws {
        let old = try sqlite(folder.file())
        _ = try await old.open(login(member("a"), cookie: "c"), now: start)
        await old.close()
        let broken = Schema(steps: Schema.current.steps + ["CREATE TABLE more (x)", "DROP TABLE sessions; INSERT INTO nowhere VALUES (1)"])
        #expect(performing: { try sqlite(folder.file(), schema: broken) }, throws: code(.corrupt))
        let again = try sqlite(folder.file())
        #expect(try await again.integer("PRAGMA user_version") == Schema.current.version)
        #expect(try await again.integer("SELECT count(*) FROM sqlite_master WHERE name = 'more'") == 0)
        #expect(try await again.lookup(hash("c"), at: .auth, now: start).sid != nil)
    }

    @Test func aNewerFileIsRefusedAndLeftAlone() async throws {
        let newer = try sqlite(folder.file())
        try await newer.execute("PRAGMA user_version=99")
        await newer.close()
        let before = try folder.allBytes()
        #expect {
            try sqlite(folder.file())
        } throws: { error in
            let failure = error as? StoreFailure
            return failure?.code == .newer && failure?.detail.contains("99") == true
        }
        #expect(try folder.allBytes() == before)
    }

    @Test func theReleasedStepsMakeTheTablesThatTheStoreUses() async throws {
        let store = try sqlite(folder.file())
        #expect(try await store.integer("PRAGMA user_version") == Schema.current.version)
        #expect(try await store.integer("PRAGMA foreign_keys") == 1)
        #expect(try await store.integer("SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'") == 1)
        #expect(try await store.integer("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'") == 12)
    }

    // MARK: - Bad files

    @Test func theFileIsForItsOwnerAlone() async throws {
        let store = try sqlite(folder.file())
        _ = try await store.open(login(member("a"), cookie: "c"), now: start)
        for suffix in ["", "-wal", "-shm"] { #expect(try mode(folder.file() + suffix) == 0o600) }
        await store.close()
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder.file())
        let again = try sqlite(folder.file())
        #expect(try mode(folder.file()) == 0o600)
        withExtendedLifetime(again) {}
    }

    @Test func aMissingFolderIsSaidSo() {
        #expect {
            try sqlite(folder.file("no/such/store.db"))
        } throws: { error in
            let failure = error as? StoreFailure
            return failure?.code == .unreachable && failure?.detail.contains("no/such") == true
        }
    }

    @Test func aFolderIsNoStore() {
        #expect(performing: { try sqlite(folder.path) }, throws: code(.unreachable))
    }

    @Test(arguments: [100, 4096, 100_000]) func garbageIsNoStore(_ size: Int) throws {
        try Data((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) }).write(to: URL(fileURLWithPath: folder.file()))
        let before = try folder.allBytes()
        #expect(performing: { try sqlite(folder.file()) }, throws: code(.corrupt))
        #expect(try folder.allBytes() == before)
    }

    @Test func anotherProgramsDatabaseIsLeftAlone() async throws {
        try Data().write(to: URL(fileURLWithPath: folder.file()))
        let other = try Database(path: folder.file())
        try other.execute("CREATE TABLE theirs (x)")
        #expect(performing: { try sqlite(folder.file()) }, throws: code(.corrupt))
        #expect(try other.integer("SELECT count(*) FROM sqlite_master") == 1)
    }

    @Test func aFileWhoseInsideIsDamagedFailsAndDoesNotCrash() async throws {
        let store = try sqlite(folder.file())
        for number in 0..<200 { _ = try await store.open(login(member("u\(number)"), cookie: "c\(number)"), now: start) }
        await store.close()
        let whole = try Data(contentsOf: URL(fileURLWithPath: folder.file()))
        for seed in 0..<20 {
            var damaged = whole
            for index in 0..<64 {
                let place = 100 + (seed &* 7919 &+ index &* 104_729) % (damaged.count - 100)
                damaged[damaged.startIndex + place] ^= UInt8(truncatingIfNeeded: seed &* 37 &+ index &+ 1)
            }
            let place = try TemporaryFolder()
            try damaged.write(to: URL(fileURLWithPath: place.file()))
            guard let store = try? sqlite(place.file()) else { continue }
            for number in 0..<200 {
                // Found unharmed, or not at all: never somebody else.
                if case .live(let record)? = try? await store.lookup(hash("c\(number)"), at: .auth, now: start) {
                    #expect(record.member.user == "u\(number)")
                }
            }
            _ = try? await store.open(login(member("x"), cookie: "x"), now: start)
            _ = try? await store.end(.all, now: start)
            _ = try? await store.sweep(now: after(100_000))
            _ = try? await store.list(account: nil, now: start)
        }
    }

    @Test func rowsOfWrongTypesAndImpossibleTimesAreCorruption() async throws {
        let store = try sqlite(folder.file())
        _ = try await store.open(login(member("a"), cookie: "c"), now: start)
        try await store.execute("UPDATE sessions SET last_seen = -9223372036854775808")
        await #expect(performing: { try await store.lookup(hash("c"), at: .auth, now: start) }, throws: code(.corrupt))
        try await store.execute("DROP TABLE cookies")
        await #expect(performing: { try await store.lookup(hash("c"), at: .auth, now: start) }, throws: code(.corrupt))
    }

    @Test(.enabled(if: geteuid() != 0, "root may write anything")) func aFileThatMayNotBeWrittenIsRefusedAtStart() async throws {
        await (try sqlite(folder.file())).close()
        try FileManager.default.setAttributes([.posixPermissions: 0o400], ofItemAtPath: folder.file())
        #expect(performing: { try sqlite(folder.file()) }, throws: code(.readOnly))
    }

    // MARK: - Trouble while it runs

    @Test func aStoreThatCannotBeWrittenStillAnswers() async throws {
        let store = try sqlite(folder.file())
        let sid = try await store.open(login(member("a"), cookie: "c"), now: start).sid
        try await store.execute("PRAGMA query_only=ON")
        await #expect(performing: { try await store.open(login(member("b"), cookie: "d"), now: start) }, throws: code(.readOnly))
        #expect(try await store.lookup(hash("c"), at: .auth, now: start).sid == sid)
        #expect(try await store.probe() == false)
        try await store.execute("PRAGMA query_only=OFF")
        #expect(try await store.probe())
        #expect(try await store.lookup(hash("d"), at: .auth, now: start) == .unknown)
        _ = try await store.open(login(member("b"), cookie: "d"), now: start)
    }

    @Test func aFullDiskRefusesLoginsAndKeepsSessions() async throws {
        let store = try sqlite(folder.file())
        let sid = try await store.open(login(member("a"), cookie: "c"), now: start).sid
        let pages = try await store.integer("PRAGMA page_count")
        try await store.execute("PRAGMA max_page_count=\(pages)")
        await #expect(
            performing: {
                for number in 0..<1000 { _ = try await store.open(login(member("u\(number)"), cookie: "x\(number)"), now: start) }
            }, throws: code(.full))
        #expect(try await store.lookup(hash("c"), at: .auth, now: start).sid == sid)
        let count = try await store.count(now: start)
        #expect(try await store.list(account: nil, now: start).count == count)
        try await store.execute("PRAGMA max_page_count=100000")
        _ = try await store.open(login(member("b"), cookie: "d"), now: start)
    }

    @Test func aFileThatAnotherProcessWillNotLetGoIsBusy() async throws {
        let store = try sqlite(folder.file())
        let sid = try await store.open(login(member("a"), cookie: "c"), now: start).sid
        try await store.execute("PRAGMA busy_timeout=1")
        let other = try Database(path: folder.file())
        try other.execute("BEGIN IMMEDIATE")
        await #expect(performing: { try await store.open(login(member("b"), cookie: "d"), now: start) }, throws: code(.busy))
        #expect(try await store.probe() == false)
        #expect(try await store.lookup(hash("c"), at: .auth, now: start).sid == sid)
        try other.execute("ROLLBACK")
        _ = try await store.open(login(member("b"), cookie: "d"), now: start)
    }

    @Test func aStoreThatIsDroppedLetsItsThreadGo() async throws {
        func threads() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count }
        let before = try threads()
        for _ in 0..<200 { #expect(try await sqlite(folder.file()).probe()) }
        let limit = ContinuousClock.now + .seconds(20)
        while try threads() > before + 100, ContinuousClock.now < limit { await Task.yield() }
        #expect(try threads() <= before + 100)
    }

    @Test func aFileThatIsGoneOrAnotherIsNoticedAndItsReturnToo() async throws {
        let store = try sqlite(folder.file())
        let heard = Heard(store)
        let sid = try await store.open(login(member("a"), cookie: "c"), now: start).sid
        try FileManager.default.moveItem(atPath: folder.file(), toPath: folder.file("away.db"))
        await #expect(performing: { try await store.lookup(hash("c"), at: .auth, now: start) }, throws: code(.unreachable))
        await #expect(performing: { try await store.poll(now: start) }, throws: code(.unreachable))
        await #expect(performing: { try await store.probe() }, throws: code(.unreachable))
        try Data([1]).write(to: URL(fileURLWithPath: folder.file()))
        await #expect(performing: { try await store.open(login(member("b"), cookie: "d"), now: start) }, throws: code(.unreachable))
        try FileManager.default.removeItem(atPath: folder.file())
        try FileManager.default.moveItem(atPath: folder.file("away.db"), toPath: folder.file())
        #expect(try await store.lookup(hash("c"), at: .auth, now: start).sid == sid)
        try await store.poll(now: start)
        #expect(heard.notices.isEmpty)
    }

    @Test func calledFromManyTasksItStaysInOrder() async throws {
        let store = try sqlite(folder.file())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let sid = try await store.open(login(member("u\(number)"), cookie: "c\(number)"), now: start).sid
                    _ = try await store.enter(sid, host: "wiki", cookie: hash("w\(number)"), previous: nil, now: start)
                    try await store.touch([sid: after(1)])
                    #expect(try await store.lookup(hash("w\(number)"), at: .host("wiki"), now: after(1)).sid == sid)
                    if number % 2 == 0 { try await store.end(.sid(sid), now: after(2)) }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await store.count(now: after(2)) == 100)
    }

    @Test func aSweepLeavesNoRowBehind() async throws {
        let store = try sqlite(folder.file())
        for number in 0..<1500 { _ = try await store.put(.state, hash("\(number)"), [1], expires: after(60), now: start) }
        let sid = try await store.open(login(member("a"), cookie: "c1"), now: start).sid
        _ = try await store.open(login(member("a"), cookie: "c2", previous: "c1"), now: start)
        _ = try await store.enter(sid, host: "wiki", cookie: hash("w"), previous: nil, now: start)
        try await store.sweep(now: after(60))
        #expect(try await store.integer("SELECT count(*) FROM one_time") == 0)
        #expect(try await store.integer("SELECT sum(count) + sum(bytes) FROM totals WHERE what LIKE 'one_time/%'") == 0)
        #expect(try await store.integer("SELECT count(*) FROM cookies") == 2)
        try await store.end(.sid(sid), now: after(61))
        try await store.sweep(now: after(61 + 3600))
        for table in ["sessions", "cookies", "endings"] { #expect(try await store.integer("SELECT count(*) FROM \(table)") == 0) }
    }

    private func mode(_ path: String) throws -> Int? {
        (try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue
    }
}
