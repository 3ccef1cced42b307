import Access
import Bytes
import Crypto
import Storage
import Testing

/// What every store must do alike. A new store is added to `Kind` and passes all of it.
@Suite struct ConformanceTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    // MARK: - Login and lookup

    @Test(arguments: Kind.allCases) func aLoginOpensASessionThatItsCookieFinds(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        var person = member("ZhangSan", name: "张三")
        person.email = "z@example.com"
        person.mobile = "13800000000"
        person.departments = [3, 1]
        person.tags = [7]
        let record = try await store.open(login(person, cookie: "c1"), now: start)
        #expect(record.sid.utf8.count == 22)
        #expect(record.member == person)
        #expect(record.created == start && record.lastSeen == start && record.checked == start && record.authTime == start)
        #expect(record.expires == after(86400))
        #expect(record.amr == ["wecom"] && record.address == "192.0.2.1" && record.userAgent == "Browser/1" && record.hosts == [])
        #expect(try await store.lookup(hash("c1"), at: .auth, now: start) == .live(record))
    }

    @Test(arguments: Kind.allCases) func aCookieIsGoodOnlyWhereItWasSet(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let record = try await store.open(login(member("a"), cookie: "auth"), now: start)
        _ = try await store.enter(record.sid, host: "wiki", cookie: hash("wiki"), previous: nil, now: start)
        #expect(try await store.lookup(hash("wiki"), at: .host("wiki"), now: start).sid == record.sid)
        #expect(try await store.lookup(hash("wiki"), at: .host("other"), now: start) == .unknown)
        #expect(try await store.lookup(hash("wiki"), at: .host(""), now: start) == .unknown)
        #expect(try await store.lookup(hash("wiki"), at: .auth, now: start) == .unknown)
        #expect(try await store.lookup(hash("auth"), at: .host("wiki"), now: start) == .unknown)
        #expect(try await store.lookup(hash("auth"), at: .host(""), now: start) == .unknown)
        #expect(try await store.lookup(hash("never"), at: .auth, now: start) == .unknown)
    }

    @Test(arguments: Kind.allCases) func anotherAccountOfTheSamePersonIsAnotherSession(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let first = try await store.open(login(member("zhangsan"), cookie: "c1"), now: start)
        var renamed = member("zhangsan")
        (renamed.account, renamed.isInTable) = ("boss", true)
        let second = try await store.open(login(renamed, cookie: "c2", previous: "c1"), now: after(1))
        #expect(second.sid != first.sid && second.member == renamed)
        #expect(try await store.lookup(hash("c2"), at: .auth, now: after(1)) == .live(second))
        #expect(try await store.count(now: after(1)) == 1)
    }

    @Test(arguments: Kind.allCases) func sessionsUnderAnAccountThatIsNoLongerTheirsEndAlone(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let heard = Heard(store)
        var sids: [String] = []
        for (number, name) in ["zhangsan", "lisi", "wangwu"].enumerated() { sids.append(try await store.open(login(member(name), cookie: "c\(number)"), now: start).sid) }
        var renamed = member("ZhangSan")
        renamed.account = "boss"
        let boss = try await store.open(login(renamed, cookie: "c9"), now: start).sid
        func of(_ user: String, _ account: String?) -> AccountAssignment { AccountAssignment(Person(connection: "corp", user: user), accountKey: account) }
        #expect(try await store.end(.reassigned([of("ZHANGSAN", "boss"), of("lisi", "lisi"), of("nobody", nil)]), now: start) == [sids[0]])
        #expect(try await store.end(.reassigned([of("lisi", nil)]), now: start) == [sids[1]])
        #expect(heard.ended == [sids[0], sids[1]])
        #expect(Set(try await store.list(account: nil, now: start).map(\.sid)) == [sids[2], boss])
    }

    @Test(arguments: Kind.allCases) func theSamePersonAgainKeepsTheSessionAndItsChildren(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let heard = Heard(store)
        let first = try await store.open(login(member("ZhangSan"), cookie: "c1"), now: start)
        _ = try await store.enter(first.sid, host: "wiki", cookie: hash("w1"), previous: nil, now: start)
        var again = login(member("zhangsan", name: "New"), cookie: "c2", previous: "c1", at: after(100))
        again.amr = ["wecom", "scan"]
        again.address = "192.0.2.9"
        again.userAgent = "Browser/2"
        let second = try await store.open(again, now: after(100))
        #expect(second.sid == first.sid && second.created == start)
        #expect(second.authTime == after(100) && second.expires == after(100 + 86400) && second.checked == after(100))
        #expect(second.amr == ["wecom", "scan"] && second.member.name == "New" && second.member.user == "zhangsan")
        #expect(second.address == "192.0.2.9" && second.userAgent == "Browser/2" && second.hosts == ["wiki"])
        #expect(try await store.lookup(hash("c2"), at: .auth, now: after(100)) == .live(second))
        #expect(try await store.lookup(hash("w1"), at: .host("wiki"), now: after(100)) == .live(second))
        #expect(heard.changed == [first.sid] && heard.ended == [])
        #expect(try await store.count(now: after(100)) == 1)
    }

    @Test(arguments: Kind.allCases) func aReplacedCookieStaysGoodForThirtySeconds(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let sid = try await store.open(login(member("a"), cookie: "c1"), now: start).sid
        _ = try await store.open(login(member("a"), cookie: "c2", previous: "c1"), now: after(10))
        #expect(try await store.lookup(hash("c1"), at: .auth, now: after(39)).sid == sid)
        // Another tab with the same old cookie does not prolong its life.
        #expect(try await store.open(login(member("a"), cookie: "c3", previous: "c1"), now: after(30)).sid == sid)
        #expect(try await store.lookup(hash("c1"), at: .auth, now: after(39)).sid == sid)
        #expect(try await store.lookup(hash("c1"), at: .auth, now: after(40)) == .unknown)
        #expect(try await store.lookup(hash("c2"), at: .auth, now: after(1000)).sid == sid)
        #expect(try await store.lookup(hash("c3"), at: .auth, now: after(1000)).sid == sid)
        // A spent cookie says nothing of who shows it: it keeps no session.
        #expect(try await store.open(login(member("a"), cookie: "c4", previous: "c1"), now: after(50)).sid != sid)
    }

    @Test(arguments: Kind.allCases) func anotherPersonsLoginEndsTheSession(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let heard = Heard(store)
        let first = try await store.open(login(member("a"), cookie: "c1"), now: start)
        _ = try await store.enter(first.sid, host: "wiki", cookie: hash("w1"), previous: nil, now: start)
        let second = try await store.open(login(member("b"), cookie: "c2", previous: "c1"), now: after(5))
        #expect(second.sid != first.sid && second.hosts == [] && second.created == after(5))
        #expect(heard.ended == [first.sid])
        #expect(try await store.lookup(hash("c1"), at: .auth, now: after(6)).ending == Ending(connection: "corp", user: "a", at: after(5)))
        #expect(try await store.lookup(hash("w1"), at: .host("wiki"), now: after(6)).ending == Ending(connection: "corp", user: "a", at: after(5)))
        #expect(try await store.lookup(hash("c2"), at: .auth, now: after(6)).sid == second.sid)
    }

    @Test(arguments: Kind.allCases) func theSameUserIDOfAnotherConnectionIsAnotherPerson(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let first = try await store.open(login(member("a"), cookie: "c1"), now: start)
        let second = try await store.open(login(member("a", connection: "east"), cookie: "c2", previous: "c1"), now: start)
        #expect(first.sid != second.sid)
        #expect(try await store.lookup(hash("c1"), at: .auth, now: start).sid == nil)
        #expect(try await store.list(account: "a", now: start).isEmpty)
        #expect(try await store.list(account: "east/a", now: start).map(\.sid) == [second.sid])
        #expect(try await store.end(.member(connection: "corp", user: "a"), now: start).isEmpty)
    }

    @Test(arguments: Kind.allCases) func aCookieThatWasNeverOursOrIsOverFixesNothing(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let planted = try await store.open(login(member("a"), cookie: "c1", previous: "planted"), now: start)
        #expect(try await store.lookup(hash("planted"), at: .auth, now: start) == .unknown)
        try await store.end(.sid(planted.sid), now: after(1))
        let next = try await store.open(login(member("a"), cookie: "c2", previous: "c1"), now: after(2))
        #expect(next.sid != planted.sid)
        let idle = try await store.open(login(member("a"), cookie: "c3", previous: "c2"), now: after(2 + 3600))
        #expect(idle.sid != next.sid)
        // A host's cookie is no cookie of the auth origin.
        _ = try await store.enter(idle.sid, host: "wiki", cookie: hash("w"), previous: nil, now: after(3700))
        let other = try await store.open(login(member("b"), cookie: "c4", previous: "w"), now: after(3700))
        #expect(other.sid != idle.sid)
        #expect(try await store.lookup(hash("c3"), at: .auth, now: after(3700)).sid == idle.sid)
    }

    @Test(arguments: Kind.allCases) func aCookieValueThatComesTwiceIsRefused(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let first = try await store.open(login(member("a"), cookie: "c1"), now: start)
        await #expect(throws: StoreFailure.self) { try await store.open(login(member("b"), cookie: "c1"), now: start) }
        await #expect(throws: StoreFailure.self) {
            try await store.enter(first.sid, host: "wiki", cookie: hash("c1"), previous: nil, now: start)
        }
        #expect(try await store.lookup(hash("c1"), at: .auth, now: start) == .live(first))
        #expect(try await store.count(now: start) == 1)
    }

    @Test(arguments: Kind.allCases) func whatABrowserSaysOfItselfIsCut(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        var long = login(member("a"), cookie: "c1")
        long.userAgent = String(repeating: "门", count: 10_000)
        #expect(try await store.open(long, now: start).userAgent == String(repeating: "门", count: 170))
    }

    // MARK: - Entering hosts

    @Test(arguments: Kind.allCases) func enteringAHostGivesItACookieOfItsOwn(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let sid = try await store.open(login(member("a"), cookie: "c1"), now: start).sid
        let entered = try await store.enter(sid, host: "wiki", cookie: hash("w1"), previous: nil, now: after(10))
        #expect(entered?.hosts == ["wiki"] && entered?.lastSeen == after(10))
        _ = try await store.enter(sid, host: "crm", cookie: hash("m1"), previous: nil, now: after(11))
        let again = try await store.enter(sid, host: "wiki", cookie: hash("w2"), previous: hash("w1"), now: after(12))
        #expect(again?.hosts == ["crm", "wiki"])
        #expect(try await store.lookup(hash("w1"), at: .host("wiki"), now: after(41)).sid == sid)
        #expect(try await store.lookup(hash("w1"), at: .host("wiki"), now: after(42)) == .unknown)
        #expect(try await store.lookup(hash("w2"), at: .host("wiki"), now: after(1000)).sid == sid)
    }

    @Test(arguments: Kind.allCases) func enteringWithAnotherPersonsCookieEndsTheirSession(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let heard = Heard(store)
        let a = try await store.open(login(member("a"), cookie: "a"), now: start).sid
        _ = try await store.enter(a, host: "wiki", cookie: hash("wa"), previous: nil, now: start)
        let b = try await store.open(login(member("b"), cookie: "b"), now: start).sid
        let entered = try await store.enter(b, host: "wiki", cookie: hash("wb"), previous: hash("wa"), now: after(3))
        #expect(entered?.sid == b)
        #expect(heard.ended == [a])
        #expect(try await store.lookup(hash("a"), at: .auth, now: after(4)).ending == Ending(connection: "corp", user: "a", at: after(3)))
    }

    @Test(arguments: Kind.allCases) func enteringWithACookieOfOnesOtherSessionEndsNothing(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let heard = Heard(store)
        let first = try await store.open(login(member("a"), cookie: "a1"), now: start).sid
        _ = try await store.enter(first, host: "wiki", cookie: hash("w1"), previous: nil, now: start)
        let second = try await store.open(login(member("A"), cookie: "a2"), now: start).sid
        _ = try await store.enter(second, host: "wiki", cookie: hash("w2"), previous: hash("w1"), now: start)
        #expect(heard.ended == [])
        #expect(try await store.lookup(hash("a1"), at: .auth, now: after(60)).sid == first)
        #expect(try await store.lookup(hash("w1"), at: .host("wiki"), now: after(60)) == .unknown)
    }

    @Test(arguments: Kind.allCases) func whatIsNotLiveEntersNowhere(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let sid = try await store.open(login(member("a"), cookie: "a"), now: start).sid
        let bystander = try await store.open(login(member("b"), cookie: "b"), now: after(3000)).sid
        _ = try await store.enter(bystander, host: "wiki", cookie: hash("wb"), previous: nil, now: after(3000))
        #expect(try await store.enter("nobody", host: "wiki", cookie: hash("w0"), previous: nil, now: start) == nil)
        #expect(try await store.enter(sid, host: "wiki", cookie: hash("w1"), previous: hash("wb"), now: after(3600)) == nil)
        #expect(try await store.lookup(hash("wb"), at: .host("wiki"), now: after(3600)).sid == bystander)
        try await store.end(.all, now: after(3600))
        #expect(try await store.enter(bystander, host: "wiki", cookie: hash("w2"), previous: nil, now: after(3601)) == nil)
        #expect(try await store.lookup(hash("w2"), at: .host("wiki"), now: after(3601)) == .unknown)
    }

    @Test(arguments: Kind.allCases) func cookiesOfOneHostAreBounded(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let sid = try await store.open(login(member("a"), cookie: "a"), now: start).sid
        for number in 0..<70 { _ = try await store.enter(sid, host: "wiki", cookie: hash("w\(number)"), previous: nil, now: start) }
        #expect(try await store.lookup(hash("w5"), at: .host("wiki"), now: start) == .unknown)
        #expect(try await store.lookup(hash("w6"), at: .host("wiki"), now: start).sid == sid)
        #expect(try await store.lookup(hash("w69"), at: .host("wiki"), now: start).sid == sid)
        #expect(try await store.lookup(hash("a"), at: .auth, now: start).sid == sid)
    }

    // MARK: - Limits

    @Test(arguments: Kind.allCases) func anIdleSessionIsOverAndRememberedForAnHour(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let sid = try await store.open(login(member("a"), cookie: "a"), now: start).sid
        #expect(try await store.lookup(hash("a"), at: .auth, now: after(3599)).sid == sid)
        #expect(try await store.lookup(hash("a"), at: .auth, now: after(3600)).ending == Ending(connection: "corp", user: "a", at: after(3600)))
        #expect(try await store.lookup(hash("a"), at: .auth, now: after(7199)).ending == Ending(connection: "corp", user: "a", at: after(3600)))
        #expect(try await store.lookup(hash("a"), at: .auth, now: after(7200)) == .unknown)
    }

    @Test(arguments: Kind.allCases) func aSessionEndsAbsolutelyWhateverHappens(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let sid = try await store.open(login(member("a"), cookie: "a"), now: start).sid
        for hour in 1..<48 { try await store.touch([sid: after(Int64(hour) * 1800)]) }
        #expect(try await store.lookup(hash("a"), at: .auth, now: after(86399)).sid == sid)
        #expect(try await store.lookup(hash("a"), at: .auth, now: after(86400)).ending == Ending(connection: "corp", user: "a", at: after(86400)))
        try await store.touch([sid: after(86400)])
        #expect(try await store.lookup(hash("a"), at: .auth, now: after(86400)).sid == nil)
        #expect(try await store.lookup(hash("a"), at: .auth, now: after(90000)) == .unknown)
    }

    @Test(arguments: Kind.allCases) func otherLimitsHoldAtOnce(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let sid = try await store.open(login(member("a"), cookie: "a"), now: start).sid
        await store.setLimits(SessionLimits(idle: .seconds(60), lifetime: .seconds(100)))
        #expect(try await store.lookup(hash("a"), at: .auth, now: after(60)).ending == Ending(connection: "corp", user: "a", at: after(60)))
        #expect(try await store.open(login(member("b"), cookie: "b"), now: after(60)).expires == after(160))
        await store.setLimits(limits)
        #expect(try await store.lookup(hash("a"), at: .auth, now: after(60)).sid == sid)
    }

    @Test(arguments: Kind.allCases) func activityMovesForwardOnly(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let sid = try await store.open(login(member("a"), cookie: "a"), now: start).sid
        try await store.touch([sid: after(100), "nobody": after(100)])
        try await store.touch([sid: after(50)])
        #expect(try await store.list(account: nil, now: after(100)).map(\.lastSeen) == [after(100)])
        #expect(try await store.lookup(hash("a"), at: .auth, now: after(3699)).sid == sid)
    }

    @Test(arguments: Kind.allCases) func activityRevivesNothing(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let idle = try await store.open(login(member("a"), cookie: "a"), now: start).sid
        let ended = try await store.open(login(member("b"), cookie: "b"), now: start).sid
        try await store.end(.sid(ended), now: after(10))
        try await store.touch([idle: after(3600), ended: after(20)])
        #expect(try await store.lookup(hash("a"), at: .auth, now: after(3600)).ending == Ending(connection: "corp", user: "a", at: after(3600)))
        #expect(try await store.lookup(hash("b"), at: .auth, now: after(20)).ending == Ending(connection: "corp", user: "b", at: after(10)))
        // Ended after it was idle: late word of activity does not undo it.
        #expect(try await store.end(.sid(idle), now: after(3700)) == [idle])
        try await store.touch([idle: after(3500)])
        #expect(try await store.lookup(hash("a"), at: .auth, now: after(3700)).ending == Ending(connection: "corp", user: "a", at: after(3600)))
    }

    // MARK: - Ending

    @Test(arguments: Kind.allCases) func endingTellsSubscribersWhichSessions(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let (heard, alsoHeard) = (Heard(store), Heard(store))
        var sids: [String] = []
        for (number, person) in [member("Anna"), member("anna"), member("b"), member("c"), member("c", connection: "east")].enumerated() {
            sids.append(try await store.open(login(person, cookie: "\(number)"), now: start).sid)
        }
        #expect(try await store.end(.sid("nobody"), now: start) == [])
        #expect(Set(try await store.end(.account("anna"), now: start)) == Set(sids[0...1]))
        #expect(heard.ended == Set(sids[0...1]))
        #expect(try await store.end(.member(connection: "corp", user: "C"), now: start) == [sids[3]])
        #expect(try await store.end(.sid(sids[2]), now: start) == [sids[2]])
        #expect(try await store.end(.sid(sids[2]), now: after(1)) == [])
        #expect(try await store.count(now: start) == 1)
        #expect(try await store.end(.all, now: start) == [sids[4]])
        #expect(heard.ended == Set(sids) && alsoHeard.ended == Set(sids))
        #expect(try await store.count(now: start) == 0)
        #expect(try await store.lookup(hash("2"), at: .auth, now: after(3599)).ending == Ending(connection: "corp", user: "b", at: start))
        #expect(try await store.lookup(hash("2"), at: .auth, now: after(3600)) == .unknown)
    }

    @Test(arguments: Kind.allCases) func aSweepForgetsWhatWasOverForAnHour(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        for number in 0..<30 { _ = try await store.open(login(member("u\(number)"), cookie: "c\(number)"), now: start) }
        try await store.end(.account("u0"), now: after(1))
        #expect(try await store.put(.state, hash("s"), [1], expires: after(60), now: start))
        try await store.sweep(now: after(3600))
        #expect(try await store.lookup(hash("c0"), at: .auth, now: after(3600)).ending == Ending(connection: "corp", user: "u0", at: after(1)))
        try await store.sweep(now: after(7200))
        #expect(try await store.count(now: after(7200)) == 0)
        // Their cookies went with them: the same hash may be had again, and even an old clock finds nothing.
        #expect(try await store.lookup(hash("c1"), at: .auth, now: after(10)) == .unknown)
        _ = try await store.open(login(member("x"), cookie: "c1"), now: after(7200))
        #expect(try await store.peek(.state, hash("s"), now: start) == nil)
    }

    @Test("T-118: idleness and what the directory said count anew where the clock was set back", arguments: Kind.allCases)
    func aClockThatIsSetBackProlongsNothing(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        _ = try await store.open(login(member("a"), cookie: "a"), now: after(3600))
        _ = try await store.open(login(member("b"), cookie: "b"), now: after(5))
        try await store.sweep(now: start)
        let records = try await store.list(account: nil, now: start)
        #expect(records.map(\.member.user) == ["a", "b"])
        // A few seconds ahead are nobody's doing.
        #expect(records.map(\.lastSeen) == [start, after(5)] && records.map(\.checked) == [start, after(5)])
        #expect(records.map(\.created) == [after(3600), after(5)], "when it was opened is what was shown then")
    }

    // MARK: - Directory, list, count

    @Test(arguments: Kind.allCases) func whatTheDirectorySaysReachesAllSessionsOfAPerson(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let heard = Heard(store)
        let one = try await store.open(login(member("Anna", name: "Anna"), cookie: "1"), now: start).sid
        let two = try await store.open(login(member("Anna", name: "Anna"), cookie: "2"), now: start).sid
        _ = try await store.open(login(member("b"), cookie: "3"), now: start)
        try await store.update(member("Anna", name: "Anna"), checked: after(600))
        #expect(heard.notices == [])
        var new = member("anna", name: "Anna B.")
        new.departments = [5]
        new.account = "a.b"
        try await store.update(new, checked: after(700))
        #expect(heard.changed == [one, two])
        guard case .live(let record) = try await store.lookup(hash("2"), at: .auth, now: after(700)) else {
            Issue.record("not live")
            return
        }
        #expect(record.member == new && record.checked == after(700) && record.lastSeen == start && record.authTime == start)
        #expect(Set(try await store.list(account: "a.b", now: after(700)).map(\.sid)) == [one, two])
        #expect(try await store.list(account: "anna", now: after(700)).isEmpty)
        // An answer that took longer than its successor does not undo it.
        try await store.update(member("anna", name: "Old"), checked: after(650))
        #expect(try await store.list(account: "a.b", now: after(700)).count == 2)
    }

    @Test(arguments: Kind.allCases) func theListShowsLiveSessionsNewestFirst(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let old = try await store.open(login(member("a"), cookie: "1"), now: start).sid
        let ended = try await store.open(login(member("a"), cookie: "2"), now: after(1)).sid
        let new = try await store.open(login(member("A"), cookie: "3"), now: after(2)).sid
        let other = try await store.open(login(member("b"), cookie: "4"), now: after(2)).sid
        _ = try await store.enter(new, host: "wiki", cookie: hash("w"), previous: nil, now: after(3))
        try await store.end(.sid(ended), now: after(3))
        #expect(try await store.list(account: "a", now: after(3)).map(\.sid) == [new, old])
        #expect(try await store.list(account: "a", now: after(3)).map(\.hosts) == [["wiki"], []])
        #expect(try await store.list(account: nil, now: after(3)).map(\.sid) == [other, new, old])
        #expect(try await store.count(now: after(3)) == 3)
        #expect(try await store.list(account: nil, now: after(3600)).map(\.sid) == [other, new])
        #expect(try await store.count(now: after(3600)) == 2)
        #expect(try await store.count(now: after(90000)) == 0)
    }

    // MARK: - What may be taken once

    @Test(arguments: Kind.allCases) func aValueIsSetOnlyWhereNothingIs(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        #expect(try await store.put(.state, hash("k"), [1, 2], expires: after(60), now: start))
        #expect(try await store.put(.state, hash("k"), [3], expires: after(90), now: after(59)) == false)
        #expect(try await store.put(.ticket, hash("k"), [], expires: after(60), now: start))
        #expect(try await store.peek(.state, hash("k"), now: after(59)) == [1, 2])
        #expect(try await store.peek(.state, hash("k"), now: after(60)) == nil)
        #expect(try await store.peek(.ticket, hash("k"), now: start) == [])
        #expect(try await store.put(.state, hash("k"), [3], expires: after(90), now: after(60)))
        #expect(try await store.peek(.state, hash("k"), now: after(60)) == [3])
    }

    @Test(arguments: Kind.allCases) func subscribersHearOfWhatSomebodyMayWaitFor(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let heard = Heard(store)
        _ = try await store.put(.state, hash("k"), [1], expires: after(60), now: start)
        #expect(heard.notices == [])
        _ = try await store.put(.scan, hash("k"), [1], expires: after(60), now: start)
        // What is not put is not told.
        _ = try await store.put(.scan, hash("k"), [2], expires: after(60), now: start)
        #expect(heard.notices == [.put(.scan, hash("k"))])
    }

    @Test(arguments: Kind.allCases) func aValueIsTakenOnce(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        _ = try await store.put(.ticket, hash("k"), [9], expires: after(60), now: start)
        #expect(try await store.take(.state, hash("k"), now: start) == nil)
        #expect(try await store.take(.ticket, hash("k"), now: start) == [9])
        #expect(try await store.take(.ticket, hash("k"), now: start) == nil)
        _ = try await store.put(.ticket, hash("k"), [9], expires: after(60), now: start)
        #expect(try await store.take(.ticket, hash("k"), now: after(60)) == nil)
    }

    @Test(arguments: Kind.allCases) func ofManyTakersOneGetsIt(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        for round in 0..<20 {
            let key = hash("k\(round)")
            let setters = await winners(30) { try await store.put(.state, key, [1], expires: after(60), now: start) }
            let takers = await winners(30) { try await store.take(.state, key, now: start) != nil }
            #expect(setters == 1 && takers == 1)
        }
    }

    @Test(arguments: Kind.allCases) func oneTimeValuesAreBoundedPerKind(_ kind: Kind) async throws {
        let store = try kind.make(folder, bounds: OneTimeBounds(count: 10, bytes: 100))
        #expect(try await store.put(.ticket, hash("t"), [1], expires: after(60), now: start))
        for number in 0..<15 { _ = try await store.put(.state, hash("\(number)"), [1], expires: after(60), now: start) }
        #expect(try await store.peek(.state, hash("4"), now: start) == nil)
        #expect(try await store.peek(.state, hash("5"), now: start) == [1])
        #expect(try await store.peek(.state, hash("14"), now: start) == [1])
        #expect(try await store.peek(.ticket, hash("t"), now: start) == [1])
        // Taking makes room.
        _ = try await store.take(.state, hash("14"), now: start)
        _ = try await store.put(.state, hash("15"), [1], expires: after(60), now: start)
        #expect(try await store.peek(.state, hash("5"), now: start) == [1])
        await #expect(throws: StoreFailure.self) {
            try await store.put(.post, hash("p"), [UInt8](repeating: 1, count: 101), expires: after(60), now: start)
        }
    }

    @Test(arguments: Kind.allCases) func whoFillsAKindLosesTheirOwn(_ kind: Kind) async throws {
        let store = try kind.make(folder, bounds: OneTimeBounds(count: 2000, bytes: 100_000))
        func put(_ key: String, _ owner: String?, size: Int = 1) async throws {
            #expect(try await store.put(.state, hash(key), [UInt8](repeating: 1, count: size), of: owner, expires: after(60), now: start))
        }
        func left(_ prefix: String, _ count: Int) async throws -> [Int] {
            var found: [Int] = []
            for number in 0..<count where try await store.peek(.state, hash("\(prefix)\(number)"), now: start) != nil { found.append(number) }
            return found
        }
        for number in 0..<20 { try await put("a\(number)", "a") }
        try await put("none0", nil)
        for number in 0..<3000 { try await put("b\(number)", "b") }
        for number in 0..<20 { try await put("c\(number)", "c") }
        #expect(try await left("a", 20) == Array(0..<20))
        #expect(try await left("none", 1) == [0])
        #expect(try await left("c", 20) == Array(0..<20))
        let crowd = try await left("b", 3000)
        #expect(crowd.count > 1950 && crowd.count + 41 <= 2000 && crowd == Array((3000 - crowd.count)..<3000), "the oldest went, and few more than had to")
        // By bytes, too; and where nobody has more than their share, the oldest of all go.
        for number in 0..<100 { try await put("d\(number)", "d", size: 1000) }
        #expect(try await left("a", 20).count == 20)
        for number in 0..<300 { try await put("e\(number)", "e\(number)", size: 900) }
        #expect(try await left("a", 20) == [])
        #expect(try await left("e", 300).last == 299)
    }

    @Test(arguments: Kind.allCases) func aLateLoginDoesNotBringBackAnOlderAnswerOfTheDirectory(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        _ = try await store.open(login(member("a"), cookie: "c"), now: start)
        var late = login(member("a"), cookie: "d", previous: "c", at: after(100))
        late.checked = after(10)
        var moved = member("a")
        moved.departments = [7]
        try await store.update(moved, checked: after(50))
        let renewed = try await store.open(late, now: after(100))
        #expect(renewed.member == moved && renewed.checked == after(50) && renewed.authTime == after(100))
    }

    @Test(arguments: Kind.allCases) func theFormPostsOfASessionAreBounded(_ kind: Kind) async throws {
        let store = try kind.make(folder, bounds: OneTimeBounds(postsOfSession: 100))
        func keep(_ key: String, _ size: Int, of sid: String = "s", at time: WallTime = start) async throws -> Bool {
            try await store.keepPost(hash(key), [1, 2, 3], of: sid, size: size, expires: time.advanced(by: .seconds(600)), now: time)
        }
        #expect(try await keep("a", 60))
        #expect(try await keep("b", 41) == false)
        #expect(try await keep("b", 40))
        #expect(try await keep("c", 1) == false)
        #expect(try await keep("c", 100, of: "other"))
        #expect(try await store.peek(.post, hash("a"), now: start) == [1, 2, 3])
        // What was taken, and what is too old, counts no more.
        #expect(try await store.take(.post, hash("a"), now: start) == [1, 2, 3])
        #expect(try await keep("d", 60))
        #expect(try await keep("e", 100, at: after(599)) == false)
        #expect(try await keep("e", 100, at: after(600)))
        #expect(try await store.take(.post, hash("b"), now: after(600)) == nil)
    }

    // MARK: - Many at once, and the end

    @Test(arguments: Kind.allCases) func tabsThatLogInAtOnceShareOneSession(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let sid = try await store.open(login(member("a"), cookie: "c"), now: start).sid
        let same = await winners(20) { number in
            try await store.open(login(member("a"), cookie: "c\(number)", previous: "c"), now: after(1)).sid == sid
        }
        #expect(same == 20)
        #expect(try await store.count(now: after(1)) == 1)
    }

    @Test(arguments: Kind.allCases) func aSessionThatEndsWhileOthersEnterIsOverForAll(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        let sid = try await store.open(login(member("a"), cookie: "c"), now: start).sid
        async let ended = store.end(.sid(sid), now: start)
        _ = await winners(20) { try await store.enter(sid, host: "wiki", cookie: hash("w\($0)"), previous: nil, now: start) != nil }
        #expect(try await ended == [sid])
        for number in 0..<20 { #expect(try await store.lookup(hash("w\(number)"), at: .host("wiki"), now: start).sid == nil) }
    }

    @Test(arguments: Kind.allCases) func aClosedStoreLetsNobodyIn(_ kind: Kind) async throws {
        let store = try kind.make(folder)
        _ = try await store.open(login(member("a"), cookie: "c"), now: start)
        #expect(try await store.probe())
        await store.close()
        await #expect { try await store.lookup(hash("c"), at: .auth, now: start) } throws: { ($0 as? StoreFailure)?.code == .unreachable }
        await #expect(throws: StoreFailure.self) { try await store.probe() }
        await store.close()
    }

    private func winners(_ count: Int, _ attempt: @escaping @Sendable (Int) async throws -> Bool) async -> Int {
        await withTaskGroup(of: Bool.self) { group in
            for number in 0..<count { group.addTask { (try? await attempt(number)) ?? false } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
    }

    private func winners(_ count: Int, _ attempt: @escaping @Sendable () async throws -> Bool) async -> Int {
        await winners(count) { _ in try await attempt() }
    }
}
