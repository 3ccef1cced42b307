import Access
import Bytes
import EventLoop
import HTTP
import Telemetry

/// One site as a worker serves it: its options made ready, and its own connections to the upstream.
final class Site {
    let options: SiteOptions
    /// Position in the worker's table, and in its metrics.
    let index: Int
    let policy: Policy
    let pool: UpstreamPool
    let nanoseconds: Nanoseconds
    /// What goes into `Host`, where it is not the client's.
    let hostHeader: String?
    /// Where that is so: its name in answers, mapped back.
    let hostMapping: HostMapping?
    /// By rule number: how records name the rule, `3 /admin/*`.
    let ruleNames: [String]

    struct Nanoseconds {
        let response, idle: UInt64
    }

    init(_ options: SiteOptions, index: Int, on loop: EventLoop, metrics: WorkerMetrics, recorder: Recorder? = nil) {
        self.options = options
        self.index = index
        policy = Policy(rules: options.rules, ignoreCase: options.ignoreCase)
        let policy = self.policy
        ruleNames = (0...options.rules.count).map { "\($0) \(policy.reference($0).pattern)" }
        let upstream = options.upstreams[0]
        pool = UpstreamPool(upstream, of: options, on: loop, recorder: recorder) { [unowned loop] in
            metrics.upstreamConnected(site: index, $0, at: loop.now)
        }
        nanoseconds = Nanoseconds(response: options.timeouts.response.nanoseconds, idle: options.timeouts.idle.nanoseconds)
        switch options.hostHeader {
        case .keep: hostHeader = nil
        case .upstream: hostHeader = upstream.authority
        case .literal(let text): hostHeader = text
        }
        hostMapping = hostHeader.map { HostMapping(sent: $0, origin: options.origin) }
    }
}
