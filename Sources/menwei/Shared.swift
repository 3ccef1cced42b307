import Access
import Bytes
import CLinux
import Crypto
import Outbound
import Portal
import Proxy
import Settings
import Storage
import TLS
import Telemetry

/// Why the gateway does not start.
struct StartFault: Error {
    var message: String
    /// Where the configuration says it, if it does. It is no fault of the configuration all the same: later it may do.
    var place: Fault?
}

/// What all workers share and what outlives every configuration: records, metrics, the store, the way to WeCom.
struct Shared: Sendable {
    let recorder: Recorder
    let metrics: Metrics
    let records: PortalRecords
    let store: any SessionStore
    let accounts: (any AccountStore)?
    /// The file of the account table alone, where it is not the sessions'.
    let accountFile: SQLiteStore?
    let storeHealth = StoreHealth()
    /// Whom WeCom's events make us look up.
    let suspicions = Suspicions()
    let caller: CurlCaller
    let gauges = GaugeBoard()

    init(_ configuration: Configuration, _ recorder: Recorder, sealing: SealingKey) throws(StartFault) {
        self.recorder = recorder
        metrics = Metrics(version: Version.number, commit: Version.commit)
        records = PortalRecords(recorder: recorder, metrics: metrics)
        (store, accounts, accountFile) = try Self.stores(configuration, sealing, recorder)
        do { caller = try CurlCaller() } catch { throw StartFault(message: "libcurl cannot be used") }
        metrics.setGauges(gauges.gauges(metrics: metrics, recorder: recorder))
    }

    private static func stores(_ configuration: Configuration, _ sealing: SealingKey, _ recorder: Recorder) throws(StartFault)
        -> (any SessionStore, (any AccountStore)?, SQLiteStore?)
    {
        func open(_ path: String, _ key: String) throws(StartFault) -> SQLiteStore {
            do {
                return try SQLiteStore(path: path, sealing: sealing, limits: configuration.sessions.limits) { failure in
                    recorder.log(.error, key == "accounts.store" ? "account store" : "session store", [("code", failure.code.rawValue), ("detail", failure.detail)])
                }
            } catch { throw StartFault(message: "\(key): \(path): \(error.detail)") }
        }
        let sessions: (any SessionStore & AccountStore)?
        if case .sqlite(let path) = configuration.sessions.store {
            let store = try open(path, "sessions.store")
            if configuration.accounts.file == path { return (store, store, nil) }
            sessions = store
        } else {
            sessions = nil
        }
        let accounts: SQLiteStore? = if let file = configuration.accounts.file { try open(file, "accounts.store") } else { nil }
        return (sessions ?? MemoryStore(limits: configuration.sessions.limits), accounts, accounts)
    }

    static func now() -> WallTime { WallTime(milliseconds: menwei_wall_ms()) }
}

extension LogOptions.Level {
    /// The same for records.
    var logLevel: LogLevel {
        switch self {
        case .debug: .debug
        case .info: .info
        case .warning: .warn
        case .error: .error
        }
    }
}
