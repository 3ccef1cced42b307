import Access
import Bytes
import Crypto

/// The sessions of a `MemoryStore` as a value: every function is one atomic step, and what subscribers are to hear gathers in `notices`.
struct MemoryState {
    struct Session {
        /// Without `hosts`, which follow from the cookies.
        var record: SessionRecord
        var endedAt: WallTime?
        /// Oldest first.
        var cookies: [Digest256] = []
        /// Tells sessions of the same millisecond apart.
        var serial: UInt64
    }
    struct Cookie {
        var sid: String
        var scope: CookieScope
        var goodUntil: WallTime?
    }
    struct Person: Hashable {
        var connection: String
        var user: String
        init(_ connection: String, _ user: String) {
            self.connection = connection
            self.user = user.lowercased()
        }
        init(_ member: Member) { self.init(member.connection, member.user) }
    }

    var limits: SessionLimits
    var oneTime: MemoryOneTime
    var notices: [StoreNotice] = []
    var isClosed = false
    private var sessions: [String: Session] = [:]
    private var cookies: [Digest256: Cookie] = [:]
    /// Those sessions of a person, and of an account, that have not been ended.
    private var byPerson: [Person: Set<String>] = [:]
    private var byAccount: [String: Set<String>] = [:]
    private var serial: UInt64 = 0
    /// Where the next sweep goes on.
    private var unswept: [String] = []

    init(limits: SessionLimits, bounds: OneTimeBounds) {
        self.limits = limits
        oneTime = MemoryOneTime(bounds: bounds)
    }

    func lookup(_ value: Digest256, at scope: CookieScope, now: WallTime) -> CookieLookup {
        guard let session = session(behind: value, at: scope, now: now) else { return .unknown }
        let end = session.endedAt ?? session.record.end(idle: limits.idle)
        if session.endedAt == nil && now < end {
            var record = complete(session)
            record.cookieGoodUntil = cookies[value]?.goodUntil
            return .live(record)
        }
        guard StoreRules.isRemembered(end, at: now) else { return .unknown }
        return .ended(sid: session.record.sid, connection: session.record.member.connection, user: session.record.member.user, at: end)
    }

    mutating func open(_ login: Login, sid: String, now: WallTime) throws(StoreFailure) -> SessionRecord {
        guard cookies[login.cookie] == nil, sessions[sid] == nil else { throw StoreRules.repeatedCookie }
        if let previous = login.previous, let old = liveSession(behind: previous, at: .auth, now: now) {
            if old.record.member.isSamePerson(as: login.member) {
                replace(previous, now: now)
                rewrite(old.record.sid) { [limits] in $0.renew(login, now: now, limits: limits) }
                notices.append(.changed(sids: [old.record.sid]))
                return give(old.record.sid, login.cookie, at: .auth, now: now)
            }
            end([old.record.sid], now: now)
        }
        serial += 1
        let record = SessionRecord(sid: sid, login: login, now: now, limits: limits)
        sessions[sid] = Session(record: record, serial: serial)
        index(record)
        return give(sid, login.cookie, at: .auth, now: now)
    }

    mutating func enter(
        _ sid: String, host: String, cookie: Digest256, previous: Digest256?, now: WallTime
    ) throws(StoreFailure) -> SessionRecord? {
        guard let session = sessions[sid], isLive(session, now) else { return nil }
        guard cookies[cookie] == nil else { throw StoreRules.repeatedCookie }
        let scope = CookieScope.host(host)
        if let previous, let old = self.session(behind: previous, at: scope, now: now) {
            if old.record.member.isSamePerson(as: session.record.member) {
                replace(previous, now: now)
                if old.record.sid != sid { notices.append(.changed(sids: [old.record.sid])) }
            } else if isLive(old, now) {
                end([old.record.sid], now: now)
            }
        }
        // Workers must hear that older cookies of it are good for a while only, or not any more.
        notices.append(.changed(sids: [sid]))
        sessions[sid]?.record.lastSeen = max(session.record.lastSeen, now)
        return give(sid, cookie, at: scope, now: now)
    }

    mutating func end(_ selector: SessionSelector, now: WallTime) -> [String] {
        switch selector {
        case .sid(let sid): end([sid], now: now)
        case .account(let key): end(byAccount[key] ?? [], now: now)
        case .member(let connection, let user): end(byPerson[Person(connection, user)] ?? [], now: now)
        case .reassigned(let assignments): end(Set(assignments.flatMap(strays)), now: now)
        case .all: end(Set(sessions.keys), now: now)
        }
    }

    /// Sessions of a person under another account than theirs.
    private func strays(_ assignment: AccountAssignment) -> [String] {
        (byPerson[Person(assignment.person.connection, assignment.person.user)] ?? [])
            .filter { sessions[$0]?.record.member.accountKey != assignment.accountKey }
    }

    mutating func touch(_ seen: [String: WallTime]) {
        for (sid, time) in seen {
            guard let session = sessions[sid], session.endedAt == nil, time > session.record.lastSeen,
                session.record.isLive(at: time, idle: limits.idle)
            else { continue }
            sessions[sid]?.record.lastSeen = time
        }
    }

    mutating func update(_ member: Member, checked: WallTime) {
        var changed: [String] = []
        for sid in byPerson[Person(member)] ?? [] {
            guard let record = sessions[sid]?.record, record.checked <= checked else { continue }
            if record.member != member { changed.append(sid) }
            rewrite(sid) {
                $0.member = member
                $0.checked = checked
            }
        }
        if !changed.isEmpty { notices.append(.changed(sids: changed)) }
    }

    func list(account: String?, now: WallTime) -> [SessionRecord] {
        let found = account.map { (byAccount[$0] ?? []).compactMap { sessions[$0] } } ?? Array(sessions.values)
        return found.filter { isLive($0, now) }
            .sorted { ($0.record.created, $0.serial) > ($1.record.created, $1.serial) }
            .map(complete)
    }

    func sessions(connection: String, user: String, now: WallTime) -> [SessionRecord] {
        (byPerson[Person(connection, user)] ?? []).compactMap { sessions[$0] }.filter { isLive($0, now) }.map(complete)
    }

    func due(before: WallTime, of connection: String?, limit: Int, now: WallTime) -> [SessionRecord] {
        let found = sessions.values.filter { session in
            session.record.checked <= before && isLive(session, now) && (connection.map { $0 == session.record.member.connection } ?? true)
        }
        return found.sorted { $0.record.checked < $1.record.checked }.prefix(limit).map(complete)
    }

    func count(now: WallTime) -> Int { sessions.values.count { isLive($0, now) } }

    /// Looks at the next few thousand sessions, and at all one-time values.
    mutating func sweep(now: WallTime) {
        oneTime.sweep(now: now)
        if unswept.isEmpty { unswept = Array(sessions.keys) }
        let part = unswept.suffix(StoreRules.batch * StoreRules.sweepRounds)
        unswept.removeLast(part.count)
        for sid in part {
            guard let session = sessions[sid] else { continue }
            if !StoreRules.isRemembered(session.endedAt ?? session.record.end(idle: limits.idle), at: now) {
                forget(session)
            } else {
                dropSpentCookies(sid, now: now)
                bringBack(session.record, now: now)
            }
        }
    }

    private mutating func bringBack(_ record: SessionRecord, now: WallTime) {
        let limit = now.advanced(by: StoreRules.ahead)
        if record.lastSeen > limit { sessions[record.sid]?.record.lastSeen = now }
        if record.checked > limit { sessions[record.sid]?.record.checked = now }
    }

    // MARK: -

    private func isLive(_ session: Session, _ now: WallTime) -> Bool {
        session.endedAt == nil && session.record.isLive(at: now, idle: limits.idle)
    }

    private func session(behind value: Digest256, at scope: CookieScope, now: WallTime) -> Session? {
        guard let cookie = cookies[value], cookie.scope == scope, cookie.goodUntil.map({ now < $0 }) ?? true else { return nil }
        return sessions[cookie.sid]
    }

    private func liveSession(behind value: Digest256, at scope: CookieScope, now: WallTime) -> Session? {
        session(behind: value, at: scope, now: now).flatMap { isLive($0, now) ? $0 : nil }
    }

    private func complete(_ session: Session) -> SessionRecord {
        var record = session.record
        let hosts = session.cookies.compactMap { value -> String? in
            if case .host(let host) = cookies[value]?.scope { host } else { nil }
        }
        record.hosts = Set(hosts).sorted()
        return record
    }

    private mutating func replace(_ value: Digest256, now: WallTime) {
        guard let cookie = cookies[value] else { return }
        cookies[value]?.goodUntil = StoreRules.goodUntil(cookie.goodUntil, replacedAt: now)
    }

    private mutating func give(_ sid: String, _ value: Digest256, at scope: CookieScope, now: WallTime) -> SessionRecord {
        dropSpentCookies(sid, now: now)
        cookies[value] = Cookie(sid: sid, scope: scope, goodUntil: nil)
        sessions[sid]?.cookies.append(value)
        let here = (sessions[sid]?.cookies ?? []).filter { cookies[$0]?.scope == scope }
        drop(Set(here.prefix(max(0, here.count - StoreRules.cookiesPerPlace))), of: sid)
        guard let session = sessions[sid] else { preconditionFailure("a session was given a cookie before it was there") }
        return complete(session)
    }

    private mutating func dropSpentCookies(_ sid: String, now: WallTime) {
        let spent = (sessions[sid]?.cookies ?? []).filter { value in cookies[value]?.goodUntil.map { $0 <= now } ?? false }
        drop(Set(spent), of: sid)
    }

    private mutating func drop(_ values: Set<Digest256>, of sid: String) {
        guard !values.isEmpty else { return }
        for value in values { cookies[value] = nil }
        sessions[sid]?.cookies.removeAll { values.contains($0) }
    }

    @discardableResult
    private mutating func end(_ sids: Set<String>, now: WallTime) -> [String] {
        var ended: [String] = []
        for sid in sids {
            guard let session = sessions[sid], session.endedAt == nil else { continue }
            unindex(session.record)
            sessions[sid]?.endedAt = min(now, session.record.end(idle: limits.idle))
            ended.append(sid)
        }
        if !ended.isEmpty { notices.append(.ended(sids: ended)) }
        return ended
    }

    private mutating func forget(_ session: Session) {
        if session.endedAt == nil { unindex(session.record) }
        for value in session.cookies { cookies[value] = nil }
        sessions[session.record.sid] = nil
    }

    private mutating func rewrite(_ sid: String, _ change: (inout SessionRecord) -> Void) {
        guard var record = sessions[sid]?.record else { return }
        unindex(record)
        change(&record)
        sessions[sid]?.record = record
        index(record)
    }

    private mutating func index(_ record: SessionRecord) {
        byPerson[Person(record.member), default: []].insert(record.sid)
        byAccount[record.member.accountKey, default: []].insert(record.sid)
    }

    private mutating func unindex(_ record: SessionRecord) {
        let (person, account) = (Person(record.member), record.member.accountKey)
        byPerson[person]?.remove(record.sid)
        if byPerson[person]?.isEmpty ?? false { byPerson[person] = nil }
        byAccount[account]?.remove(record.sid)
        if byAccount[account]?.isEmpty ?? false { byAccount[account] = nil }
    }
}
