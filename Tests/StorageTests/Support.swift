import Access
import Bytes
import Crypto
import Foundation
import Synchronization

@testable import Storage

/// A folder that goes with this object.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "/menwei-store-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String = "store.db") -> String { path + "/" + name }

    /// The bytes of every file in it.
    func allBytes() throws -> Data {
        try FileManager.default.contentsOfDirectory(atPath: path).reduce(into: Data()) { $0 += try Data(contentsOf: URL(fileURLWithPath: file($1))) }
    }
}

let start = WallTime(seconds: 1_800_000_000)
let limits = SessionLimits(idle: .seconds(3600), lifetime: .seconds(86400))

func after(_ seconds: Int64) -> WallTime { WallTime(milliseconds: start.milliseconds + seconds * 1000) }

func hash(_ text: String) -> Digest256 { Digest.sha256(text) }

func member(_ user: String, connection: String = "corp", name: String = "") -> Member {
    var member = Member(connection: connection, corp: "ww1", user: user, account: connection == "corp" ? user : "\(connection)/\(user)")
    member.name = name
    return member
}

func login(_ member: Member, cookie: String, previous: String? = nil, at time: WallTime = start) -> Login {
    Login(
        member: member, authTime: time, amr: ["wecom"], address: "192.0.2.1", userAgent: "Browser/1", cookie: hash(cookie),
        previous: previous.map { hash($0) })
}

func sealingKey(_ byte: UInt8 = 7) throws -> SealingKey {
    guard let key = SealingKey(bytes: [UInt8](repeating: byte, count: 32)) else { throw StoreFailure(.unreachable, "key") }
    return key
}

func sqlite(
    _ path: String, key: UInt8 = 7, bounds: OneTimeBounds = OneTimeBounds(), schema: Schema = .current, upgrades: Bool = true,
    trouble: @escaping @Sendable (StoreFailure) -> Void = { _ in }
) throws -> SQLiteStore {
    try SQLiteStore(path: path, sealing: try sealingKey(key), limits: limits, bounds: bounds, schema: schema, upgrades: upgrades, trouble: trouble)
}

extension SQLiteStore {
    func count(of table: String) throws(StoreFailure) -> Int64 { try database().integer("SELECT count(*) FROM \(table)") }
}

/// What a subscriber heard.
final class Heard: Sendable {
    private let all = Mutex<[StoreNotice]>([])
    var notices: [StoreNotice] { all.withLock { $0 } }
    var ended: Set<String> { sids { if case .ended(let sids) = $0 { return sids } else { return [] } } }
    var changed: Set<String> { sids { if case .changed(let sids) = $0 { return sids } else { return [] } } }

    init(_ store: any SessionStore) { store.subscribe { notice in self.all.withLock { $0.append(notice) } } }

    private func sids(_ of: (StoreNotice) -> [String]) -> Set<String> { Set(notices.flatMap(of)) }
}

/// Whose session ended, and when.
struct Ending: Equatable {
    var connection: String
    var user: String
    var at: WallTime
}

extension CookieLookup {
    var ending: Ending? { if case .ended(_, let connection, let user, let at) = self { Ending(connection: connection, user: user, at: at) } else { nil } }
    var sid: String? { if case .live(let record) = self { record.sid } else { nil } }
}

/// Every store that the conformance tests are run against.
enum Kind: String, CaseIterable, Sendable {
    case memory, sqlite

    func make(_ folder: TemporaryFolder, bounds: OneTimeBounds = OneTimeBounds()) throws -> any SessionStore {
        switch self {
        case .memory: MemoryStore(limits: limits, bounds: bounds)
        case .sqlite: try Storage.SQLiteStore(path: folder.file(), sealing: try sealingKey(), limits: limits, bounds: bounds)
        }
    }
}
