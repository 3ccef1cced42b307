import Bytes
import Proxy
import Settings
import Synchronization
import TLS
import Telemetry

/// What `/metrics` shows of the configuration in force. The main thread writes it, whoever renders reads it.
final class GaugeBoard: Sendable {
    struct State: Sendable {
        var loadedAt: WallTime?
        var lastReloadSucceeded = true
        var certificates: [Metrics.Gauges.Certificate] = []
        var upstreams: [(site: String, upstream: String)] = []
    }
    private let state = Mutex(State())

    /// An edition is in force.
    func show(_ edition: Edition) {
        state.withLock { state in
            state.loadedAt = edition.loadedAt
            state.lastReloadSucceeded = true
            state.certificates = Self.certificates(edition.certificates)
            state.upstreams = edition.configuration.sites.flatMap { site in site.upstreams.map { (site.id, $0.text) } }
        }
    }

    func reloadFailed() { state.withLock { $0.lastReloadSucceeded = false } }

    private static func certificates(_ materials: [CertificateMaterial]) -> [Metrics.Gauges.Certificate] {
        materials.map { .init(name: $0.names.first ?? "", expires: $0.notAfter) }
    }

    func gauges(metrics: Metrics, recorder: Recorder) -> Metrics.Gauges {
        var gauges = Metrics.Gauges()
        gauges.configurationLoaded = { [self] in state.withLock { $0.loadedAt } }
        gauges.lastReloadSucceeded = { [self] in state.withLock { $0.lastReloadSucceeded } }
        gauges.certificates = { [self] in state.withLock { $0.certificates } }
        gauges.upstreams = { [self, unowned metrics] in
            state.withLock { $0.upstreams }.map { .init(site: $0.site, upstream: $0.upstream, isHealthy: metrics.reachesUpstream(of: $0.site)) }
        }
        gauges.recordsDropped = { recorder.dropped }
        gauges.sessions = { SessionCount.shared.value }
        return gauges
    }
}
