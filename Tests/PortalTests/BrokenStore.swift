import Access
import Bytes
import Crypto

/// A store that never answers.
final class BrokenStore: SessionStore {
    private var failure: StoreFailure { StoreFailure(.unreachable, "test") }

    func lookup(_ cookie: Digest256, at scope: CookieScope, now: WallTime) async throws(StoreFailure) -> CookieLookup { throw failure }
    func open(_ login: Login, now: WallTime) async throws(StoreFailure) -> SessionRecord { throw failure }
    func enter(_ sid: String, host: String, cookie: Digest256, previous: Digest256?, now: WallTime) async throws(StoreFailure) -> SessionRecord? {
        throw failure
    }
    func end(_ selector: SessionSelector, now: WallTime) async throws(StoreFailure) -> [String] { throw failure }
    func touch(_ seen: [String: WallTime]) async throws(StoreFailure) { throw failure }
    func update(_ member: Member, checked: WallTime) async throws(StoreFailure) { throw failure }
    func list(account: String?, now: WallTime) async throws(StoreFailure) -> [SessionRecord] { throw failure }
    func sessions(connection: String, user: String, now: WallTime) async throws(StoreFailure) -> [SessionRecord] { throw failure }
    func due(before: WallTime, of connection: String?, limit: Int, now: WallTime) async throws(StoreFailure) -> [SessionRecord] { throw failure }
    func count(now: WallTime) async throws(StoreFailure) -> Int { throw failure }
    func put(_ kind: OneTimeKind, _ key: Digest256, _ value: [UInt8], of owner: String?, expires: WallTime, now: WallTime) async throws(StoreFailure) -> Bool {
        throw failure
    }
    func keepPost(_ key: Digest256, _ value: [UInt8], of sid: String, size: Int, expires: WallTime, now: WallTime) async throws(StoreFailure) -> Bool { throw failure }
    func peek(_ kind: OneTimeKind, _ key: Digest256, now: WallTime) async throws(StoreFailure) -> [UInt8]? { throw failure }
    func take(_ kind: OneTimeKind, _ key: Digest256, now: WallTime) async throws(StoreFailure) -> [UInt8]? { throw failure }
    func sweep(now: WallTime) async throws(StoreFailure) { throw failure }
    func probe() async throws(StoreFailure) -> Bool { throw failure }
    func subscribe(_ sink: @escaping @Sendable (StoreNotice) -> Void) {}
    func close() async {}
}
