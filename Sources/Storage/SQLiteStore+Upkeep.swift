public import Access
public import Bytes

extension SQLiteStore {
    /// Tells subscribers which sessions other processes ended or changed since the last call, and returns those that they ended.
    @discardableResult
    public func poll(now: WallTime) async throws(StoreFailure) -> [SessionEnding] {  // `async`: else callers of the class would get the protocol's default
        let found = try news.poll(try database())
        if !found.changed.isEmpty { subscribers.tell([.changed(sids: found.changed)]) }
        if !found.endings.isEmpty { subscribers.tell([.ended(sids: found.endings.map(\.sid))]) }
        return found.endings
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
            try database.run(
                "DELETE FROM changes WHERE seq IN (SELECT seq FROM changes WHERE at <= ? LIMIT ?)",
                [.time(now.advanced(by: .zero - StoreRules.told)), limit]),
            try AccountTable(database: database, sealing: sealing).sweep(before: now.advanced(by: .zero - StoreRules.remembered), now: now))
    }
}
