import Access
import Bytes
import Crypto

/// What may be taken once, in memory.
struct MemoryOneTime {
    private struct Key: Hashable {
        var kind: OneTimeKind
        var hash: Digest256
    }
    private struct Value {
        var bytes: [UInt8]
        var expires: WallTime
        var serial: UInt64
        /// Whom it counts for, and how much.
        var owner: (sid: String, size: Int)?
    }
    /// Every value of a kind in the order in which they came; some may be gone.
    private struct Order {
        var keys: [(serial: UInt64, hash: Digest256)] = []
        var first = 0
        var count = 0
        var bytes = 0
    }

    private let bounds: OneTimeBounds
    private var values: [Key: Value] = [:]
    private var orders: [OneTimeKind: Order] = [:]
    private var serial: UInt64 = 0
    /// Bytes that count for a session.
    private var kept: [String: Int] = [:]

    init(bounds: OneTimeBounds) { self.bounds = bounds }

    mutating func keepPost(
        _ hash: Digest256, _ bytes: [UInt8], of sid: String, size: Int, expires: WallTime, now: WallTime
    ) throws(StoreFailure) -> Bool {
        if kept[sid, default: 0] + size > bounds.postsOfSession { sweep(now: now) }
        guard kept[sid, default: 0] + size <= bounds.postsOfSession else { return false }
        return try put(.post, hash, bytes, of: (sid, size), expires: expires, now: now)
    }

    mutating func put(
        _ kind: OneTimeKind, _ hash: Digest256, _ bytes: [UInt8], of owner: (sid: String, size: Int)? = nil, expires: WallTime, now: WallTime
    ) throws(StoreFailure) -> Bool {
        guard bytes.count <= bounds.bytes else { throw StoreRules.tooLarge }
        let key = Key(kind: kind, hash: hash)
        if let there = values[key] {
            if now < there.expires { return false }
            remove(key)
        }
        serial += 1
        values[key] = Value(bytes: bytes, expires: expires, serial: serial, owner: owner)
        if let owner { kept[owner.sid, default: 0] += owner.size }
        var order = orders[kind] ?? Order()
        orders[kind] = nil  // so that the array is changed in place
        order.keys.append((serial, hash))
        order.count += 1
        order.bytes += bytes.count
        orders[kind] = order
        while let order = orders[kind], order.count > bounds.count || order.bytes > bounds.bytes, order.first < order.keys.count { dropOldest(kind) }
        return true
    }

    func peek(_ kind: OneTimeKind, _ hash: Digest256, now: WallTime) -> [UInt8]? {
        values[Key(kind: kind, hash: hash)].flatMap { now < $0.expires ? $0.bytes : nil }
    }

    mutating func take(_ kind: OneTimeKind, _ hash: Digest256, now: WallTime) -> [UInt8]? {
        let value = peek(kind, hash, now: now)
        remove(Key(kind: kind, hash: hash))
        return value
    }

    /// Forgets what is over.
    mutating func sweep(now: WallTime) {
        for (key, value) in values where value.expires <= now { remove(key) }
        for kind in Array(orders.keys) { compact(kind) }
    }

    private mutating func dropOldest(_ kind: OneTimeKind) {
        guard let (serial, hash) = orders[kind].map({ $0.keys[$0.first] }) else { return }
        orders[kind]?.first += 1
        let key = Key(kind: kind, hash: hash)
        if values[key]?.serial == serial { remove(key) }
        if let order = orders[kind], order.first > 1024, order.first > order.keys.count / 2 { compact(kind) }
    }

    private mutating func remove(_ key: Key) {
        guard let value = values.removeValue(forKey: key) else { return }
        orders[key.kind]?.count -= 1
        orders[key.kind]?.bytes -= value.bytes.count
        guard let owner = value.owner, let left = kept[owner.sid].map({ $0 - owner.size }) else { return }
        kept[owner.sid] = left > 0 ? left : nil
    }

    private mutating func compact(_ kind: OneTimeKind) {
        guard var order = orders[kind] else { return }
        order.keys = order.keys[order.first...].filter { values[Key(kind: kind, hash: $0.hash)]?.serial == $0.serial }
        order.first = 0
        orders[kind] = order
    }
}
