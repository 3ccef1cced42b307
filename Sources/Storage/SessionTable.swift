import Access
import Bytes
import Crypto

/// A row of the table `sessions`, before its details are unsealed.
struct SessionRow {
    var id: Int64
    /// Without what is sealed, and without `hosts`.
    var record: SessionRecord
    var endedAt: WallTime?
    var details: [UInt8]
    /// Found by a cookie that is not its own: the file was damaged, or changed by somebody else, or the store's key is another.
    var isStray = false

    static let columns = """
        s.id, s.sid, s.account, s.connection, s.user, s.created, s.last_seen, s.expires, s.checked, s.ended_at, s.address, s.user_agent, s.details
        """

    static let columnCount: Int32 = 13

    init(_ row: Statement) throws(StoreFailure) {
        id = try row.integer(0)
        let created = try row.time(5)
        let member = Member(connection: try row.text(3), corp: "", user: try row.text(4), account: try row.text(2))
        record = SessionRecord(
            sid: try row.text(1), member: member, authTime: created, amr: [], created: created, lastSeen: try row.time(6),
            expires: try row.time(7), checked: try row.time(8), address: try row.text(10), userAgent: try row.text(11))
        endedAt = try row.optionalTime(9)
        details = try row.blob(12)
    }

    func isLive(at now: WallTime, idle: Duration) -> Bool { endedAt == nil && record.isLive(at: now, idle: idle) }
}

/// The statements about sessions and their cookies. Whoever calls several of them wraps them in a transaction.
struct SessionTable {
    let database: Database
    let links: CookieLink

    func find(sid: String) throws(StoreFailure) -> SessionRow? {
        try database.first("SELECT \(SessionRow.columns) FROM sessions s WHERE s.sid = ?", [.text(sid)]) { row throws(StoreFailure) in
            try SessionRow(row)
        }
    }

    /// The session behind a cookie that is still good at `now`. `host` is nil for the auth origin's.
    func find(cookie: Digest256, host: String?, now: WallTime) throws(StoreFailure) -> SessionRow? {
        try database.first(
            """
            SELECT \(SessionRow.columns), c.good_until, c.link FROM cookies c JOIN sessions s ON s.id = c.session
            WHERE c.hash = ? AND c.host IS ? AND (c.good_until IS NULL OR c.good_until > ?)
            """, [.blob(cookie.bytes), host.map { .text($0) } ?? .null, .time(now)]
        ) { row throws(StoreFailure) in
            var found = try SessionRow(row)
            found.record.cookieGoodUntil = try row.optionalTime(SessionRow.columnCount)
            found.isStray = try row.blob(SessionRow.columnCount + 1) != links.bytes(cookie, found.record.sid, host: host)
            return found
        }
    }

    /// Sessions of a person that nobody has ended.
    func find(connection: String, user: String) throws(StoreFailure) -> [SessionRow] {
        var rows: [SessionRow] = []
        try database.each(
            "SELECT \(SessionRow.columns) FROM sessions s WHERE s.connection = ? AND s.user_key = ? AND s.ended_at IS NULL",
            [.text(connection), .text(user.lowercased())]
        ) { row throws(StoreFailure) in rows.append(try SessionRow(row)) }
        return rows
    }

    /// Hands over the live sessions, newest first.
    func each(account: String?, idle: Duration, now: WallTime, _ body: (SessionRow) throws(StoreFailure) -> Void) throws(StoreFailure) {
        try database.each(
            """
            SELECT \(SessionRow.columns) FROM sessions s
            WHERE s.ended_at IS NULL AND s.expires > ? AND ? - s.last_seen < ?\(account == nil ? "" : " AND s.account_key = ?")
            ORDER BY s.created DESC, s.id DESC
            """, [.time(now), .time(now), .span(idle)] + (account.map { [.text($0)] } ?? [])
        ) { row throws(StoreFailure) in try body(try SessionRow(row)) }
    }

    /// Live sessions, of one connection or of all, whose member was looked up at `before` or earlier, the longest ago first.
    func due(before: WallTime, of connection: String?, limit: Int, idle: Duration, now: WallTime) throws(StoreFailure) -> [SessionRow] {
        var rows: [SessionRow] = []
        try database.each(
            """
            SELECT \(SessionRow.columns) FROM sessions s
            WHERE s.ended_at IS NULL AND s.checked <= ? AND +s.expires > ? AND ? - s.last_seen < ?\(connection == nil ? "" : " AND +s.connection = ?")
            ORDER BY s.checked LIMIT ?
            """, [.time(before), .time(now), .time(now), .span(idle)] + (connection.map { [.text($0)] } ?? []) + [.integer(Int64(limit))]
        ) { row throws(StoreFailure) in rows.append(try SessionRow(row)) }
        return rows
    }

    func hosts(of id: Int64) throws(StoreFailure) -> [String] {
        var hosts: [String] = []
        try database.each("SELECT DISTINCT host FROM cookies WHERE session = ? AND host IS NOT NULL ORDER BY host", [.integer(id)]) {
            row throws(StoreFailure) in hosts.append(try row.text(0))
        }
        return hosts
    }

    /// Returns the new row's id.
    func insert(_ record: SessionRecord, details: [UInt8]) throws(StoreFailure) -> Int64 {
        try database.run(
            """
            INSERT INTO sessions (sid, account, account_key, connection, user, user_key, created, last_seen, expires, checked, address, user_agent,
                details) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .text(record.sid), .text(record.member.account), .text(record.member.accountKey), .text(record.member.connection),
                .text(record.member.user), .text(record.member.user.lowercased()), .time(record.created), .time(record.lastSeen),
                .time(record.expires), .time(record.checked), .text(record.address), .text(record.userAgent), .blob(details),
            ])
        return database.lastRow
    }

    /// Writes all of `record` but what never changes (`sid`, connection, created).
    func rewrite(_ id: Int64, _ record: SessionRecord, details: [UInt8]) throws(StoreFailure) {
        try database.run(
            """
            UPDATE sessions SET account = ?, account_key = ?, user = ?, user_key = ?, last_seen = ?, expires = ?, checked = ?, address = ?,
                user_agent = ?, details = ? WHERE id = ?
            """,
            [
                .text(record.member.account), .text(record.member.accountKey), .text(record.member.user), .text(record.member.user.lowercased()),
                .time(record.lastSeen), .time(record.expires), .time(record.checked), .text(record.address), .text(record.userAgent),
                .blob(details), .integer(id),
            ])
    }

    /// Moves the time of the last request forward, unless the session is over at `time`.
    func touch(_ sid: String, _ time: WallTime, idle: Duration) throws(StoreFailure) {
        try database.run(
            "UPDATE sessions SET last_seen = ?1 WHERE sid = ?2 AND ended_at IS NULL AND last_seen < ?1 AND ?1 < expires AND ?1 - last_seen < ?3",
            [.time(time), .text(sid), .span(idle)])
    }

    /// Ends those of the selected sessions that nobody has ended; one that was over already ends when it was over. Its details are forgotten at
    /// once. Returns the sids.
    func end(_ selector: SessionSelector, idle: Duration, now: WallTime) throws(StoreFailure) -> [String] {
        if case .reassigned(let assignments) = selector {
            var sids: [String] = []
            for assignment in assignments { sids += try end(strays: assignment, idle: idle, now: now) }
            return sids
        }
        let (condition, more): (String, [SQLValue]) =
            switch selector {
            case .sid(let sid): (" AND sid = ?", [.text(sid)])
            case .account(let key): (" AND account_key = ?", [.text(key)])
            case .member(let connection, let user): (" AND connection = ? AND user_key = ?", [.text(connection), .text(user.lowercased())])
            case .reassigned, .all: ("", [])
            }
        return try end(where: condition, more, idle: idle, now: now)
    }

    /// Ends a person's sessions under another account than theirs.
    private func end(strays assignment: AccountAssignment, idle: Duration, now: WallTime) throws(StoreFailure) -> [String] {
        let person = assignment.person
        return try end(
            where: " AND connection = ? AND user_key = ? AND account_key IS NOT ?",
            [.text(person.connection), .text(person.userKey), assignment.accountKey.map { .text($0) } ?? .null], idle: idle, now: now)
    }

    private func end(where condition: String, _ more: [SQLValue], idle: Duration, now: WallTime) throws(StoreFailure) -> [String] {
        var sids: [String] = []
        try database.each(
            "UPDATE sessions SET ended_at = min(?, expires, last_seen + ?), details = x'' WHERE ended_at IS NULL\(condition) RETURNING sid",
            [.time(now), .span(idle)] + more
        ) { row throws(StoreFailure) in sids.append(try row.text(0)) }
        return sids
    }

    /// The replaced cookie stays good for a while yet.
    func replace(_ cookie: Digest256, now: WallTime) throws(StoreFailure) {
        let end = SQLValue.time(StoreRules.goodUntil(nil, replacedAt: now))
        try database.run("UPDATE cookies SET good_until = min(?1, coalesce(good_until, ?1)) WHERE hash = ?2", [end, .blob(cookie.bytes)])
    }

    /// Gives the session a new cookie, and forgets those of its cookies that are spent or too many.
    func give(_ id: Int64, of sid: String, _ cookie: Digest256, host: String?, now: WallTime) throws(StoreFailure) {
        let place = host.map { SQLValue.text($0) } ?? .null
        guard try database.integer("SELECT count(*) FROM cookies WHERE hash = ?", [.blob(cookie.bytes)]) == 0 else {
            throw StoreRules.repeatedCookie
        }
        try database.run("DELETE FROM cookies WHERE session = ? AND good_until <= ?", [.integer(id), .time(now)])
        try database.run(
            "INSERT INTO cookies (hash, session, host, link) VALUES (?, ?, ?, ?)",
            [.blob(cookie.bytes), .integer(id), place, .blob(try links.bytes(cookie, sid, host: host))])
        try database.run(
            """
            DELETE FROM cookies WHERE rowid IN
                (SELECT rowid FROM cookies WHERE session = ? AND host IS ? ORDER BY rowid DESC LIMIT -1 OFFSET ?)
            """, [.integer(id), place, .integer(Int64(StoreRules.cookiesPerPlace))])
    }

    /// How many are live: the total of those that nobody has ended, less those that are over all the same (the last hour's at most, if swept).
    /// The `+` keeps SQLite from walking all of the index on `expires`.
    func count(idle: Duration, now: WallTime) throws(StoreFailure) -> Int {
        let open = try database.integer("SELECT count FROM totals WHERE what = 'sessions'")
        let over = try database.integer(
            """
            SELECT (SELECT count(*) FROM sessions WHERE ended_at IS NULL AND expires <= ?1)
                + (SELECT count(*) FROM sessions WHERE ended_at IS NULL AND last_seen <= ?1 - ?2 AND +expires > ?1)
            """, [.time(now), .span(idle)])
        return Int(max(0, open - over))
    }
}
