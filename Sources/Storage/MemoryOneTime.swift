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
        var owner: OneTimeOwner?
    }
    /// Every value of a kind in the order in which they came; some may be gone.
    private struct Order {
        var keys: [(serial: UInt64, hash: Digest256)] = []
        var first = 0
        var count = 0
        var bytes = 0
        /// What each owner has of it.
        var held: [String: (count: Int, bytes: Int)] = [:]
    }

    private let bounds: OneTimeBounds
    private var values: [Key: Value] = [:]
    private var orders: [OneTimeKind: Order] = [:]
    private var serial: UInt64 = 0

    init(bounds: OneTimeBounds) { self.bounds = bounds }

    mutating func keepPost(
        _ hash: Digest256, _ bytes: [UInt8], of sid: String, size: Int, expires: WallTime, now: WallTime
    ) throws(StoreFailure) -> Bool {
        if kept(of: sid) + size > bounds.postsOfSession { sweep(now: now) }
        guard kept(of: sid) + size <= bounds.postsOfSession else { return false }
        return try put(.post, hash, bytes, of: OneTimeOwner(name: sid, size: size), expires: expires, now: now)
    }

    /// Bytes of form posts that are kept for a session.
    private func kept(of sid: String) -> Int { orders[.post]?.held[sid]?.bytes ?? 0 }

    mutating func put(
        _ kind: OneTimeKind, _ hash: Digest256, _ bytes: [UInt8], of owner: OneTimeOwner?, expires: WallTime, now: WallTime
    ) throws(StoreFailure) -> Bool {
        guard bytes.count <= bounds.bytes else { throw StoreRules.tooLarge }
        let key = Key(kind: kind, hash: hash)
        if let there = values[key] {
            if now < there.expires { return false }
            remove(key)
        }
        serial += 1
        values[key] = Value(bytes: bytes, expires: expires, serial: serial, owner: owner)
        var order = orders[kind] ?? Order()
        orders[kind] = nil  // so that the array is changed in place
        order.keys.append((serial, hash))
        order.count += 1
        order.bytes += bytes.count
        if let owner {
            let held = order.held[owner.name] ?? (0, 0)
            order.held[owner.name] = (held.count + 1, held.bytes + owner.size)
        }
        orders[kind] = order
        makeRoom(kind)
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

    /// Brings a kind back within its bounds: whoever fills it loses their oldest; where nobody does, the oldest of all go.
    private mutating func makeRoom(_ kind: OneTimeKind) {
        while let order = orders[kind], order.count > bounds.count || order.bytes > bounds.bytes {
            // Some more values than need be, since it takes a while to find out who fills it.
            let count = order.count > bounds.count ? bounds.batch : 1
            guard drop(kind, of: largestOwner(order), count: count, bytes: order.bytes - bounds.bytes) else { return }
        }
    }

    /// Who has the most of a kind, if that is more than their share.
    private func largestOwner(_ order: Order) -> String? {
        func weight(_ held: (count: Int, bytes: Int)) -> Double {
            max(Double(held.count) / Double(bounds.count), Double(held.bytes) / Double(bounds.bytes))
        }
        return order.held.filter { $0.value.count > bounds.share.count || $0.value.bytes > bounds.share.bytes }
            .max { weight($0.value) < weight($1.value) }?.key
    }

    /// Drops the oldest values of a kind (of one owner, or of all) that are `count` or more, and `bytes` or more together. False: there was none.
    private mutating func drop(_ kind: OneTimeKind, of owner: String?, count: Int, bytes: Int) -> Bool {
        guard let order = orders[kind] else { return false }
        var (dropped, freed, spent) = (0, 0, order.first)
        for (serial, hash) in order.keys[order.first...] where dropped < count || freed < bytes {
            let key = Key(kind: kind, hash: hash)
            if owner == nil { spent += 1 }
            guard let value = values[key], value.serial == serial, owner == nil || value.owner?.name == owner else { continue }
            remove(key)
            dropped += 1
            freed += value.bytes.count
        }
        orders[kind]?.first = spent
        if let order = orders[kind], order.keys.count > 1024, order.count < order.keys.count / 2 { compact(kind) }
        return dropped > 0
    }

    private mutating func remove(_ key: Key) {
        guard let value = values.removeValue(forKey: key) else { return }
        orders[key.kind]?.count -= 1
        orders[key.kind]?.bytes -= value.bytes.count
        guard let owner = value.owner, let held = orders[key.kind]?.held[owner.name] else { return }
        orders[key.kind]?.held[owner.name] = held.count > 1 ? (held.count - 1, held.bytes - owner.size) : nil
    }

    private mutating func compact(_ kind: OneTimeKind) {
        guard var order = orders[kind] else { return }
        order.keys = order.keys[order.first...].filter { values[Key(kind: kind, hash: $0.hash)]?.serial == $0.serial }
        order.first = 0
        orders[kind] = order
    }
}
