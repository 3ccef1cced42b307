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
        var sites: [(id: String, upstreams: [String])] = []
        var upstreamHealth: UpstreamHealth?
    }
    private let state = Mutex(State())

    /// An edition is in force.
    func show(_ edition: Edition) {
        state.withLock { state in
            state.loadedAt = edition.loadedAt
            state.lastReloadSucceeded = true
            state.certificates = Self.certificates(edition)
            state.sites = edition.configuration.sites.map { ($0.id, $0.upstreams.map(\.text)) }
            state.upstreamHealth = edition.upstreamHealth
        }
    }

    func reloadFailed() { state.withLock { $0.lastReloadSucceeded = false } }

    /// Certificates of `edition` were exchanged.
    func showCertificates(_ edition: Edition) { state.withLock { $0.certificates = Self.certificates(edition) } }

    private static func certificates(_ edition: Edition) -> [Metrics.Gauges.Certificate] {
        // Of several with one name, such as an RSA and an ECDSA one, the first to expire counts: a metric has a name once.
        let all = edition.certificates.map { Metrics.Gauges.Certificate(name: $0.material.names.first ?? "", expires: $0.material.notAfter) }
        return all.enumerated().filter { index, one in
            !all.enumerated().contains { $1.name == one.name && ($1.expires, $0) < (one.expires, index) }
        }.map(\.element)
    }

    private static func upstreams(_ state: State, _ metrics: Metrics) -> [Metrics.Gauges.Upstream] {
        state.sites.enumerated().flatMap { index, site in
            site.upstreams.enumerated().map { place, upstream in
                let isWell = state.upstreamHealth?.isWell(site: index, upstream: place) ?? true
                return .init(site: site.id, upstream: upstream, isHealthy: isWell && metrics.reachesUpstream(upstream, of: site.id))
            }
        }
    }

    func gauges(metrics: Metrics, recorder: Recorder) -> Metrics.Gauges {
        var gauges = Metrics.Gauges()
        gauges.configurationLoaded = { [self] in state.withLock { $0.loadedAt } }
        gauges.lastReloadSucceeded = { [self] in state.withLock { $0.lastReloadSucceeded } }
        gauges.certificates = { [self] in state.withLock { $0.certificates } }
        gauges.upstreams = { [self, unowned metrics] in
            Self.upstreams(state.withLock { $0 }, metrics)
        }
        gauges.recordsDropped = { recorder.dropped }
        gauges.sessions = { SessionCount.shared.value }
        return gauges
    }
}
