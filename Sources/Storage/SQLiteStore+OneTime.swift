public import Access
public import Bytes
public import Crypto

extension SQLiteStore {
    public func put(
        _ kind: OneTimeKind, _ key: Digest256, _ value: [UInt8], of owner: String?, expires: WallTime, now: WallTime
    ) throws(StoreFailure) -> Bool {
        try write(.normal) { database, notices throws(StoreFailure) in
            let owner = owner.map { OneTimeOwner(name: $0, size: value.count) }
            let isNew = try oneTime(database).put(kind, key, value, of: owner, expires: expires, now: now)
            if isNew, kind.isAwaited { notices.append(.put(kind, key)) }
            return isNew
        }
    }

    public func keepPost(
        _ key: Digest256, _ value: [UInt8], of sid: String, size: Int, expires: WallTime, now: WallTime
    ) throws(StoreFailure) -> Bool {
        try write(.normal) { database, _ throws(StoreFailure) in
            let table = oneTime(database)
            guard try table.kept(of: sid, now: now) + size <= table.bounds.postsOfSession else { return false }
            return try table.put(.post, key, value, of: OneTimeOwner(name: sid, size: size), expires: expires, now: now)
        }
    }

    public func peek(_ kind: OneTimeKind, _ key: Digest256, now: WallTime) throws(StoreFailure) -> [UInt8]? {
        value(try read { database throws(StoreFailure) in try oneTime(database).peek(kind, key, now: now) }, now)
    }

    public func take(_ kind: OneTimeKind, _ key: Digest256, now: WallTime) throws(StoreFailure) -> [UInt8]? {
        value(try write(.normal) { database, _ throws(StoreFailure) in try oneTime(database).take(kind, key, now: now) }, now)
    }

    private func value(_ found: OneTimeValue, _ now: WallTime) -> [UInt8]? {
        switch found {
        case .present(let bytes): return bytes
        case .absent: return nil
        case .unreadable:
            tellTrouble(now: now)
            return nil
        }
    }
}
