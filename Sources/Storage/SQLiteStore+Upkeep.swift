public import Access
public import Bytes

extension SQLiteStore {
    /// Tells subscribers which sessions other processes ended since the last call.
    @discardableResult
    public func poll(now: WallTime) async throws(StoreFailure) -> [SessionEnding] {  // `async`: else callers of the class would get the protocol's default
        let endings = try foreign.poll(try database())
        if !endings.isEmpty { subscribers.tell([.ended(sids: endings.map(\.sid))]) }
        return endings
    }

    /// Forgets what has been over for more than an hour, and brings back what is ahead of the clock (`StoreRules.ahead`), in small transactions between
    /// which others get their turn: at most 5,000 rows of a kind in one call.
    public func sweep(now: WallTime) async throws(StoreFailure) {
        for round in 0..<StoreRules.sweepRounds {
            if round > 0 { await Task.yield() }
            let most = try write(.normal) { database, _ throws(StoreFailure) in try sweepRound(database, now: now) }
            if most < StoreRules.batch { return }
        }
    }

    /// Returns how many rows went, or were brought back, of the kind that had the most.
    private func sweepRound(_ database: Database, now: WallTime) throws(StoreFailure) -> Int {
        let limit = SQLValue.integer(Int64(StoreRules.batch))
        let before = SQLValue.time(now.advanced(by: .zero - StoreRules.remembered))
        let delete = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE"
        let ahead: [SQLValue] = [.time(now), .time(now.advanced(by: StoreRules.ahead)), limit]
        return max(
            try database.run("\(delete) ended_at IS NOT NULL AND ended_at <= ? LIMIT ?)", [before, limit]),
            try database.run("\(delete) ended_at IS NULL AND expires <= ? LIMIT ?)", [before, limit]),
            try database.run("\(delete) ended_at IS NULL AND last_seen <= ? - ? LIMIT ?)", [before, .span(limits.idle), limit]),
            try database.run(
                "DELETE FROM cookies WHERE rowid IN (SELECT rowid FROM cookies WHERE good_until IS NOT NULL AND good_until <= ? LIMIT ?)",
                [.time(now), limit]),
            try database.run(
                "UPDATE sessions SET last_seen = ?1 WHERE id IN (SELECT id FROM sessions WHERE ended_at IS NULL AND last_seen > ?2 LIMIT ?3)", ahead),
            try database.run(
                "UPDATE sessions SET checked = ?1 WHERE id IN (SELECT id FROM sessions WHERE ended_at IS NULL AND checked > ?2 LIMIT ?3)", ahead),
            try database.run("DELETE FROM one_time WHERE id IN (SELECT id FROM one_time WHERE expires <= ? LIMIT ?)", [.time(now), limit]),
            try database.run("DELETE FROM endings WHERE seq IN (SELECT seq FROM endings WHERE at <= ? LIMIT ?)", [before, limit]),
            try AccountTable(database: database, sealing: sealing).sweep(before: now.advanced(by: .zero - StoreRules.remembered), now: now))
    }
}

/// Which endings in the file are another process's and not told yet. SQLite's `data_version` says at the price of one read of shared memory
/// whether anybody else wrote at all.
struct ForeignEndings {
    private var dataVersion: Int64
    private var lastSeen: Int64
    /// What this process ended, and has told itself, since `lastSeen`.
    private var own: Set<String> = []
    /// Beyond this, own endings may be told twice, which does no harm.
    private static let ownLimit = 10_000

    init(_ database: Database) throws(StoreFailure) {
        dataVersion = try database.integer("PRAGMA data_version")
        lastSeen = try database.integer("SELECT coalesce(max(seq), 0) FROM endings")
    }

    mutating func noteOwn(_ sids: [String]) {
        if own.count + sids.count > Self.ownLimit { own = [] }
        if sids.count <= Self.ownLimit { own.formUnion(sids) }
    }

    /// What others ended since the last call.
    mutating func poll(_ database: Database) throws(StoreFailure) -> [SessionEnding] {
        let version = try database.integer("PRAGMA data_version")
        guard version != dataVersion else { return [] }
        var last = lastSeen
        var endings: [SessionEnding] = []
        // Sessions are forgotten together with their endings, but not in one transaction.
        let news = """
            SELECT e.seq, e.sid, coalesce(s.account, ''), coalesce(s.connection, '') FROM endings e LEFT JOIN sessions s ON s.sid = e.sid
            WHERE e.seq > ? ORDER BY e.seq
            """
        try database.each(news, [.integer(lastSeen)]) { row throws(StoreFailure) in
            last = try row.integer(0)
            let ending = SessionEnding(sid: try row.text(1), account: try row.text(2), connection: try row.text(3))
            if !own.contains(ending.sid) { endings.append(ending) }
        }
        (dataVersion, lastSeen, own) = (version, last, [])
        return endings
    }
}
