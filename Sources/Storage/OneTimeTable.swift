import Access
import Bytes
import Crypto

/// The statements about what may be taken once. Values are sealed, bound to their kind and key.
struct OneTimeTable {
    let database: Database
    let sealing: SealingKey
    let bounds: OneTimeBounds

    /// - Parameter owner: for whom it is, and how many bytes of it count.
    func put(
        _ kind: OneTimeKind, _ key: Digest256, _ value: [UInt8], of owner: OneTimeOwner?, expires: WallTime, now: WallTime
    ) throws(StoreFailure) -> Bool {
        guard value.count <= bounds.bytes else { throw StoreRules.tooLarge }
        let place: [SQLValue] = [.integer(Int64(kind.rawValue)), .blob(key.bytes)]
        try database.run("DELETE FROM one_time WHERE kind = ? AND hash = ? AND expires <= ?", place + [.time(now)])
        guard try database.integer("SELECT count(*) FROM one_time WHERE kind = ? AND hash = ?", place) == 0 else { return false }
        try database.run(
            "INSERT INTO one_time (kind, hash, value, expires, owner, size) VALUES (?, ?, ?, ?, ?, ?)",
            place + [.blob(try seal(kind, key, value)), .time(expires), owner.map { .text($0.name) } ?? .null, .integer(Int64(owner?.size ?? 0))])
        try makeRoom(kind)
        return true
    }

    /// Bytes of form posts that are kept for a session.
    func kept(of sid: String, now: WallTime) throws(StoreFailure) -> Int {
        Int(try database.integer(
            "SELECT coalesce(sum(size), 0) FROM one_time WHERE kind = ? AND owner = ? AND expires > ?",
            [.integer(Int64(OneTimeKind.post.rawValue)), .text(sid), .time(now)]))
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

    /// Brings a kind back within its bounds: whoever fills it loses their oldest; where nobody does, the oldest of all go.
    private func makeRoom(_ kind: OneTimeKind) throws(StoreFailure) {
        let sealedBytes = Int64(bounds.bytes) + Int64(SealingKey.overhead) * Int64(bounds.count)
        while true {
            let total = try database.first("SELECT count, bytes FROM totals WHERE what = ?", [.text("one_time/\(kind.rawValue)")]) {
                row throws(StoreFailure) in (count: try row.integer(0), bytes: try row.integer(1))
            }
            guard let total, total.count > bounds.count || total.bytes > sealedBytes else { return }
            // Some more values than need be, since it takes a while to find out who fills it.
            let count = total.count > bounds.count ? bounds.batch : 1
            guard try drop(kind, of: try largestOwner(kind), count: count, bytes: total.bytes - sealedBytes) else { return }
        }
    }

    /// Drops the oldest values of a kind (of one owner, or of all) that are `count` or more, and `bytes` or more together; a bounded number at a time.
    /// False: there was none.
    private func drop(_ kind: OneTimeKind, of owner: String?, count: Int, bytes: Int64) throws(StoreFailure) -> Bool {
        let condition = "kind = ?" + (owner == nil ? "" : " AND owner = ?")
        let values: [SQLValue] = [.integer(Int64(kind.rawValue))] + (owner.map { [.text($0)] } ?? [])
        var last: Int64?
        var (dropped, freed): (Int, Int64) = (0, 0)
        try database.each(
            "SELECT id, length(value) FROM one_time WHERE \(condition) ORDER BY id LIMIT ?", values + [.integer(Int64(max(count, StoreRules.batch)))]
        ) { row throws(StoreFailure) in
            guard dropped < count || freed < bytes else { return }
            last = try row.integer(0)
            dropped += 1
            freed += try row.integer(1)
        }
        guard let last else { return false }
        return try database.run("DELETE FROM one_time WHERE \(condition) AND id <= ?", values + [.integer(last)]) > 0
    }

    /// Who has the most of a kind, if that is more than their share.
    private func largestOwner(_ kind: OneTimeKind) throws(StoreFailure) -> String? {
        try database.first(
            """
            SELECT owner FROM one_time WHERE kind = ? AND owner IS NOT NULL GROUP BY owner HAVING count(*) > ? OR sum(size) > ?
            ORDER BY max(count(*) * 1.0 / ?, sum(size) * 1.0 / ?) DESC LIMIT 1
            """,
            [
                .integer(Int64(kind.rawValue)), .integer(Int64(bounds.share.count)), .integer(Int64(bounds.share.bytes)),
                .integer(Int64(bounds.count)), .integer(Int64(bounds.bytes)),
            ]
        ) { row throws(StoreFailure) in try row.text(0) }
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
