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

/// Why the gateway does not start; `status` is the exit status.
struct StartFault: Error {
    var message: String
    var status: Int32 = 1
}

/// What all workers share and what outlives every configuration: records, metrics, the store, the way to WeCom.
struct Shared: Sendable {
    let recorder: Recorder
    let metrics: Metrics
    let records: PortalRecords
    let store: any SessionStore
    let storeHealth = StoreHealth()
    /// Whom WeCom's events make us look up.
    let suspicions = Suspicions()
    let caller: CurlCaller
    let gauges = GaugeBoard()

    init(_ configuration: Configuration, _ recorder: Recorder, sealing: SealingKey) throws(StartFault) {
        self.recorder = recorder
        metrics = Metrics(version: Version.number, commit: Version.commit)
        records = PortalRecords(recorder: recorder, metrics: metrics)
        store = try Self.store(configuration.sessions, sealing, recorder)
        do { caller = try CurlCaller() } catch { throw StartFault(message: "libcurl cannot be used") }
        metrics.setGauges(gauges.gauges(metrics: metrics, recorder: recorder))
    }

    private static func store(_ options: SessionOptions, _ sealing: SealingKey, _ recorder: Recorder) throws(StartFault) -> any SessionStore {
        switch options.store {
        case .memory: return MemoryStore(limits: options.limits)
        case .sqlite(let path):
            do {
                return try SQLiteStore(path: path, sealing: sealing, limits: options.limits) { failure in
                    recorder.log(.error, "session store", [("code", failure.code.rawValue), ("detail", failure.detail)])
                }
            } catch { throw StartFault(message: "sessions.store: \(path): \(error.detail)") }
        }
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
