public import Access
public import Bytes
public import Crypto
import Synchronization

/// Sessions in the memory of this process (`memory:`). They end with it.
///
/// For tests, demonstrations, and gateways whose people may log in again after a restart. Every call is one short step under one lock.
public final class MemoryStore: SessionStore {
    private let state: Mutex<MemoryState>
    private let subscribers = Subscribers()

    public init(limits: SessionLimits, bounds: OneTimeBounds = OneTimeBounds()) {
        state = Mutex(MemoryState(limits: limits, bounds: bounds))
    }

    public func setLimits(_ limits: SessionLimits) async { state.withLock { $0.limits = limits } }

    public func lookup(_ cookie: Digest256, at scope: CookieScope, now: WallTime) async throws(StoreFailure) -> CookieLookup {
        try step { state throws(StoreFailure) in state.lookup(cookie, at: scope, now: now) }
    }

    public func open(_ login: Login, now: WallTime) async throws(StoreFailure) -> SessionRecord {
        let sid = try newSessionID()
        return try step { state throws(StoreFailure) in try state.open(login, sid: sid, now: now) }
    }

    public func enter(
        _ sid: String, host: String, cookie: Digest256, previous: Digest256?, now: WallTime
    ) async throws(StoreFailure) -> SessionRecord? {
        try step { state throws(StoreFailure) in try state.enter(sid, host: host, cookie: cookie, previous: previous, now: now) }
    }

    @discardableResult
    public func end(_ selector: SessionSelector, now: WallTime) async throws(StoreFailure) -> [String] {
        try step { state throws(StoreFailure) in state.end(selector, now: now) }
    }

    public func touch(_ seen: [String: WallTime]) async throws(StoreFailure) {
        try step { state throws(StoreFailure) in state.touch(seen) }
    }

    public func update(_ member: Member, checked: WallTime) async throws(StoreFailure) {
        try step { state throws(StoreFailure) in state.update(member, checked: checked) }
    }

    public func list(account: String?, now: WallTime) async throws(StoreFailure) -> [SessionRecord] {
        try step { state throws(StoreFailure) in state.list(account: account, now: now) }
    }

    public func sessions(connection: String, user: String, now: WallTime) async throws(StoreFailure) -> [SessionRecord] {
        try step { state throws(StoreFailure) in state.sessions(connection: connection, user: user, now: now) }
    }

    public func due(before: WallTime, of connection: String?, limit: Int, now: WallTime) async throws(StoreFailure) -> [SessionRecord] {
        try step { state throws(StoreFailure) in state.due(before: before, of: connection, limit: limit, now: now) }
    }

    public func count(now: WallTime) async throws(StoreFailure) -> Int {
        try step { state throws(StoreFailure) in state.count(now: now) }
    }

    public func put(
        _ kind: OneTimeKind, _ key: Digest256, _ value: [UInt8], of owner: String?, expires: WallTime, now: WallTime
    ) async throws(StoreFailure) -> Bool {
        try step { state throws(StoreFailure) in
            let owner = owner.map { OneTimeOwner(name: $0, size: value.count) }
            let isNew = try state.oneTime.put(kind, key, value, of: owner, expires: expires, now: now)
            if isNew, kind.isAwaited { state.notices.append(.put(kind, key)) }
            return isNew
        }
    }

    public func keepPost(
        _ key: Digest256, _ value: [UInt8], of sid: String, size: Int, expires: WallTime, now: WallTime
    ) async throws(StoreFailure) -> Bool {
        try step { state throws(StoreFailure) in try state.oneTime.keepPost(key, value, of: sid, size: size, expires: expires, now: now) }
    }

    public func peek(_ kind: OneTimeKind, _ key: Digest256, now: WallTime) async throws(StoreFailure) -> [UInt8]? {
        try step { state throws(StoreFailure) in state.oneTime.peek(kind, key, now: now) }
    }

    public func take(_ kind: OneTimeKind, _ key: Digest256, now: WallTime) async throws(StoreFailure) -> [UInt8]? {
        try step { state throws(StoreFailure) in state.oneTime.take(kind, key, now: now) }
    }

    public func sweep(now: WallTime) async throws(StoreFailure) {
        try step { state throws(StoreFailure) in state.sweep(now: now) }
    }

    public func probe() async throws(StoreFailure) -> Bool {
        try step { _ throws(StoreFailure) in true }
    }

    public func subscribe(_ sink: @escaping @Sendable (StoreNotice) -> Void) { subscribers.add(sink) }

    public func close() async { state.withLock { $0.isClosed = true } }

    private func step<T: Sendable>(_ body: (inout MemoryState) throws(StoreFailure) -> T) throws(StoreFailure) -> T {
        let (result, notices) = try state.withLock { state throws(StoreFailure) -> (T, [StoreNotice]) in
            guard !state.isClosed else { throw StoreRules.closed }
            let result = try body(&state)
            let notices = state.notices
            state.notices = []
            return (result, notices)
        }
        subscribers.tell(notices)
        return result
    }
}

/// 128 random bits, base64url.
func newSessionID() throws(StoreFailure) -> String {
    do { return try Random.identifier() } catch { throw StoreFailure(.unreachable, "no random bits for a session id") }
}
