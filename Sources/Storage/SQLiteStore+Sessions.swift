public import Access
public import Bytes
public import Crypto

extension SQLiteStore {
    public func lookup(_ cookie: Digest256, at scope: CookieScope, now: WallTime) throws(StoreFailure) -> CookieLookup {
        try read { database throws(StoreFailure) in
            let sessions = table(database)
            guard let row = try find(cookie, host: scope.hostName, sessions, now: now) else { return .unknown }
            if row.isLive(at: now, idle: limits.idle) { return try complete(row, sessions, now: now).map { .live($0) } ?? .unknown }
            let end = row.endedAt ?? row.record.end(idle: limits.idle)
            guard StoreRules.isRemembered(end, at: now) else { return .unknown }
            return .ended(sid: row.record.sid, connection: row.record.member.connection, user: row.record.member.user, at: end)
        }
    }

    public func open(_ login: Login, now: WallTime) throws(StoreFailure) -> SessionRecord {
        let sid = try newSessionID()
        return try write(.full) { database, notices throws(StoreFailure) in
            let sessions = table(database)
            if let previous = login.previous, let old = try find(previous, host: nil, sessions, now: now),
                old.isLive(at: now, idle: limits.idle)
            {
                if old.record.member.isSamePerson(as: login.member), var record = try complete(old, sessions, now: now) {
                    try sessions.replace(previous, now: now)
                    record.renew(login, now: now, limits: limits)
                    try sessions.rewrite(old.id, record, details: try SealedDetails.seal(record, with: sealing))
                    try sessions.give(old.id, of: record.sid, login.cookie, host: nil, now: now)
                    try tellChanged([record.sid], database, &notices, now: now)
                    return record
                }
                notices.append(.ended(sids: try sessions.end(.sid(old.record.sid), idle: limits.idle, now: now)))
            }
            let record = SessionRecord(sid: sid, login: login, now: now, limits: limits)
            let id = try sessions.insert(record, details: try SealedDetails.seal(record, with: sealing))
            try sessions.give(id, of: sid, login.cookie, host: nil, now: now)
            return record
        }
    }

    public func enter(
        _ sid: String, host: String, cookie: Digest256, previous: Digest256?, now: WallTime
    ) throws(StoreFailure) -> SessionRecord? {
        try write(.full) { database, notices throws(StoreFailure) in
            let sessions = table(database)
            guard let row = try sessions.find(sid: sid), row.isLive(at: now, idle: limits.idle),
                var record = try complete(row, sessions, now: now)
            else { return nil }
            if let previous, let old = try find(previous, host: host, sessions, now: now) {
                if old.record.member.isSamePerson(as: record.member) {
                    try sessions.replace(previous, now: now)
                    if old.record.sid != sid { try tellChanged([old.record.sid], database, &notices, now: now) }
                } else if old.isLive(at: now, idle: limits.idle) {
                    notices.append(.ended(sids: try sessions.end(.sid(old.record.sid), idle: limits.idle, now: now)))
                }
            }
            try sessions.touch(sid, now, idle: limits.idle)
            try sessions.give(row.id, of: sid, cookie, host: host, now: now)
            // Workers must hear that older cookies of it are good for a while only, or not any more.
            try tellChanged([sid], database, &notices, now: now)
            record.lastSeen = max(record.lastSeen, now)
            record.hosts = try sessions.hosts(of: row.id)
            return record
        }
    }

    @discardableResult
    public func end(_ selector: SessionSelector, now: WallTime) throws(StoreFailure) -> [String] {
        try write(.full) { database, notices throws(StoreFailure) in
            let sids = try table(database).end(selector, idle: limits.idle, now: now)
            if !sids.isEmpty { notices.append(.ended(sids: sids)) }
            return sids
        }
    }

    public func touch(_ seen: [String: WallTime]) async throws(StoreFailure) {
        let all = Array(seen)
        for start in stride(from: 0, to: all.count, by: StoreRules.batch) {
            if start > 0 { await Task.yield() }  // lookups wait for a part only
            try write(.normal) { database, _ throws(StoreFailure) in
                let sessions = table(database)
                for (sid, time) in all[start...].prefix(StoreRules.batch) { try sessions.touch(sid, time, idle: limits.idle) }
            }
        }
    }

    public func update(_ member: Member, checked: WallTime) throws(StoreFailure) {
        try write(.full) { database, notices throws(StoreFailure) in
            let sessions = table(database)
            var changed: [String] = []
            for row in try sessions.find(connection: member.connection, user: member.user) where row.record.checked <= checked {
                guard var record = try complete(row, sessions, now: checked) else { continue }
                if record.member != member { changed.append(record.sid) }
                record.member = member
                record.checked = checked
                try sessions.rewrite(row.id, record, details: try SealedDetails.seal(record, with: sealing))
            }
            if !changed.isEmpty { try tellChanged(changed, database, &notices, now: checked) }
        }
    }

    private func table(_ database: Database) -> SessionTable { SessionTable(database: database, links: CookieLink(sealing: sealing)) }

    /// The session behind a cookie; nil (and a word to the administrator) where the store did not give it that cookie.
    private func find(_ cookie: Digest256, host: String?, _ sessions: SessionTable, now: WallTime) throws(StoreFailure) -> SessionRow? {
        guard let row = try sessions.find(cookie: cookie, host: host, now: now) else { return nil }
        guard !row.isStray else {
            tellTrouble(now: now)
            return nil
        }
        return row
    }

    /// To the subscribers here, and to the other processes.
    private func tellChanged(
        _ sids: [String], _ database: Database, _ notices: inout [StoreNotice], now: WallTime
    ) throws(StoreFailure) {
        notices.append(.changed(sids: sids))
        try news.tellChanged(sids, database, now: now)
    }

    public func list(account: String?, now: WallTime) throws(StoreFailure) -> [SessionRecord] {
        try read { database throws(StoreFailure) in
            let sessions = table(database)
            var records: [SessionRecord] = []
            try sessions.each(account: account, idle: limits.idle, now: now) { row throws(StoreFailure) in
                if let record = try complete(row, sessions, now: now) { records.append(record) }
            }
            return records
        }
    }

    public func sessions(connection: String, user: String, now: WallTime) throws(StoreFailure) -> [SessionRecord] {
        try read { database throws(StoreFailure) in
            let sessions = table(database)
            var records: [SessionRecord] = []
            for row in try sessions.find(connection: connection, user: user) where row.isLive(at: now, idle: limits.idle) {
                if let record = try complete(row, sessions, now: now) { records.append(record) }
            }
            return records
        }
    }

    public func due(before: WallTime, of connection: String?, limit: Int, now: WallTime) throws(StoreFailure) -> [SessionRecord] {
        try read { database throws(StoreFailure) in
            let sessions = table(database)
            var records: [SessionRecord] = []
            for row in try sessions.due(before: before, of: connection, limit: limit, idle: limits.idle, now: now) {
                if let record = try complete(row, sessions, now: now) { records.append(record) }
            }
            return records
        }
    }

    public func count(now: WallTime) throws(StoreFailure) -> Int {
        try read { database throws(StoreFailure) in try table(database).count(idle: limits.idle, now: now) }
    }
}

extension CookieScope {
    /// Nil for the auth origin.
    var hostName: String? { if case .host(let host) = self { host } else { nil } }
}
