import Access
import Bytes
import Crypto

/// The statements about what may be taken once. Values are sealed, bound to their kind and key.
struct OneTimeTable {
    let database: Database
    let sealing: SealingKey
    let bounds: OneTimeBounds

    /// - Parameter owner: the session that it counts for, and how much.
    func put(
        _ kind: OneTimeKind, _ key: Digest256, _ value: [UInt8], of owner: (sid: String, size: Int)? = nil, expires: WallTime, now: WallTime
    ) throws(StoreFailure) -> Bool {
        guard value.count <= bounds.bytes else { throw StoreRules.tooLarge }
        let place: [SQLValue] = [.integer(Int64(kind.rawValue)), .blob(key.bytes)]
        try database.run("DELETE FROM one_time WHERE kind = ? AND hash = ? AND expires <= ?", place + [.time(now)])
        guard try database.integer("SELECT count(*) FROM one_time WHERE kind = ? AND hash = ?", place) == 0 else { return false }
        try database.run(
            "INSERT INTO one_time (kind, hash, value, expires, sid, size) VALUES (?, ?, ?, ?, ?, ?)",
            place + [.blob(try seal(kind, key, value)), .time(expires), owner.map { .text($0.sid) } ?? .null, .integer(Int64(owner?.size ?? 0))])
        try makeRoom(kind)
        return true
    }

    /// Bytes that count for a session.
    func kept(of sid: String, now: WallTime) throws(StoreFailure) -> Int {
        Int(try database.integer("SELECT coalesce(sum(size), 0) FROM one_time WHERE sid = ? AND expires > ?", [.text(sid), .time(now)]))
    }

    func peek(_ kind: OneTimeKind, _ key: Digest256, now: WallTime) throws(StoreFailure) -> OneTimeValue {
        let sealed = try database.first(
            "SELECT value FROM one_time WHERE kind = ? AND hash = ? AND expires > ?",
            [.integer(Int64(kind.rawValue)), .blob(key.bytes), .time(now)]
        ) { row throws(StoreFailure) in try row.blob(0) }
        return unseal(kind, key, sealed)
    }

    func take(_ kind: OneTimeKind, _ key: Digest256, now: WallTime) throws(StoreFailure) -> OneTimeValue {
        var sealed: [UInt8]?
        try database.each(
            "DELETE FROM one_time WHERE kind = ? AND hash = ? RETURNING value, expires", [.integer(Int64(kind.rawValue)), .blob(key.bytes)]
        ) { row throws(StoreFailure) in
            if now < (try row.time(1)) { sealed = try row.blob(0) }
        }
        return unseal(kind, key, sealed)
    }

    /// Drops the oldest of a kind until it is within its bounds.
    private func makeRoom(_ kind: OneTimeKind) throws(StoreFailure) {
        let sealedBytes = Int64(bounds.bytes) + Int64(SealingKey.overhead) * Int64(bounds.count)
        while true {
            let total = try database.first("SELECT count, bytes FROM totals WHERE what = ?", [.text("one_time/\(kind.rawValue)")]) {
                row throws(StoreFailure) in (count: try row.integer(0), bytes: try row.integer(1))
            }
            guard let total, total.count > bounds.count || total.bytes > sealedBytes else { return }
            let excess = max(1, total.count - Int64(bounds.count))
            let dropped = try database.run(
                "DELETE FROM one_time WHERE id IN (SELECT id FROM one_time WHERE kind = ? ORDER BY id LIMIT ?)",
                [.integer(Int64(kind.rawValue)), .integer(excess)])
            if dropped == 0 { return }
        }
    }

    private func seal(_ kind: OneTimeKind, _ key: Digest256, _ value: [UInt8]) throws(StoreFailure) -> [UInt8] {
        do { return try sealing.seal(value, context: context(kind, key)) } catch {
            throw StoreFailure(.unreachable, "a one-time value could not be sealed")
        }
    }

    private func unseal(_ kind: OneTimeKind, _ key: Digest256, _ sealed: [UInt8]?) -> OneTimeValue {
        guard let sealed else { return .absent }
        return sealing.open(sealed, context: context(kind, key)).map { .present($0) } ?? .unreadable
    }

    private func context(_ kind: OneTimeKind, _ key: Digest256) -> String {
        "menwei once \(kind.rawValue) " + key.bytes.map { String($0, radix: 16) }.joined(separator: ".")
    }
}

enum OneTimeValue {
    case absent
    case present([UInt8])
    /// Sealed with another key, or tampered with.
    case unreadable
}
