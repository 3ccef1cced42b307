public import Bytes
import Synchronization

/// What `/metrics` shows (README, *Operate*). Hot counters live with the workers (`WorkerMetrics`), rare ones here under a lock, and
/// what others know is asked of them when it is shown.
public final class Metrics: Sendable {
    /// What is asked anew for each `render()`, on the thread that renders. Whatever gives nil or nothing is not shown.
    public struct Gauges: Sendable {
        public struct Upstream: Sendable {
            public var site: String
            public var upstream: String
            public var isHealthy: Bool
            public init(site: String, upstream: String, isHealthy: Bool) {
                self.site = site
                self.upstream = upstream
                self.isHealthy = isHealthy
            }
        }
        public struct Certificate: Sendable {
            public var name: String
            public var expires: WallTime
            public init(name: String, expires: WallTime) {
                self.name = name
                self.expires = expires
            }
        }
        public var sessions: @Sendable () -> Int? = { nil }
        public var upstreams: @Sendable () -> [Upstream] = { [] }
        public var certificates: @Sendable () -> [Certificate] = { [] }
        public var configurationLoaded: @Sendable () -> WallTime? = { nil }
        /// Whether the configuration that was read last is in use.
        public var lastReloadSucceeded: @Sendable () -> Bool? = { nil }
        public var recordsDropped: @Sendable () -> UInt64 = { 0 }
        public init() {}
    }

    private struct Pair: Hashable {
        var first: String
        var second: String
    }

    private struct State {
        var gauges = Gauges()
        var shards: [WorkerMetrics] = []
        /// What shards counted that are no more.
        var retired = RequestTotals()
        var logins: [Pair: UInt64] = [:]
        var calls: [Pair: UInt64] = [:]
    }

    /// Pairs of label values that a rare counter may have; what comes after them is counted as `other`.
    static let pairLimit = 200
    private let version: String
    private let commit: String
    private let state = Mutex(State())

    public init(version: String, commit: String) {
        self.version = version
        self.commit = commit
    }

    /// New counters for a worker that serves those sites, until `WorkerMetrics.retire`: a worker that serves others from now on takes new ones.
    /// - Parameter upstreams: those of each site.
    public func shard(sites: [String], upstreams: [[String]] = []) -> WorkerMetrics {
        let shard = WorkerMetrics(sites: sites, upstreams: upstreams, of: self)
        state.withLock { $0.shards.append(shard) }
        return shard
    }

    /// The worker writes `shard` no more; what it counted stays.
    func retire(_ shard: WorkerMetrics) {
        state.withLock { state in
            guard let index = state.shards.firstIndex(where: { $0 === shard }) else { return }
            state.shards.remove(at: index)
            shard.add(to: &state.retired)
            state.retired.forgetThePresent()
        }
    }

    public func setGauges(_ gauges: Gauges) { state.withLock { $0.gauges = gauges } }

    /// Whether no worker passes over that upstream of that site, and the last connection that any of them tried to make to it was made; true before the first.
    public func reachesUpstream(_ upstream: String, of site: String) -> Bool {
        totals().upstreams[.init(site: site, upstream: upstream)]?.isReached ?? true
    }

    private func totals() -> RequestTotals {
        state.withLock { state in
            var totals = state.retired
            for shard in state.shards { shard.add(to: &totals) }
            return totals
        }
    }

    /// A login ended. `result`: `ok`, or a short fixed word.
    public func login(connection: String, result: String) {
        state.withLock { Self.count(&$0.logins, Pair(first: connection, second: result)) }
    }

    /// A call to WeCom was answered, with 0 where all was well; nil: no readable answer came, which counts under `none`.
    public func wecomCall(api: String, errcode: Int?) {
        state.withLock { Self.count(&$0.calls, Pair(first: api, second: errcode.map(String.init) ?? "none")) }
    }

    private static func count(_ counters: inout [Pair: UInt64], _ pair: Pair) {
        let isKnown = counters[pair] != nil || counters.count < pairLimit
        counters[isKnown ? pair : Pair(first: "other", second: "other"), default: 0] &+= 1
    }

    /// The content type of what `render()` returns.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    public func render() -> String {
        var totals = RequestTotals()
        var logins: [Pair: UInt64] = [:]
        var calls: [Pair: UInt64] = [:]
        let gauges = state.withLock { state in
            totals = state.retired
            for shard in state.shards { shard.add(to: &totals) }
            logins = state.logins
            calls = state.calls
            return state.gauges
        }
        var out = PrometheusText()
        Self.render(totals, to: &out)
        Self.renderUpstreams(totals, to: &out)
        Self.render(logins, "menwei_logins_total", ("connection", "result"), "Logins that ended, by how.", to: &out)
        Self.render(calls, "menwei_wecom_calls_total", ("api", "errcode"), "Calls to WeCom, by the code of the answer.", to: &out)
        Self.render(gauges, to: &out)
        out.family("menwei_build_info", .gauge, "The version that runs.")
        out.sample("menwei_build_info", [("version", version), ("commit", commit)], 1)
        return out.text
    }

    private static func render(_ totals: RequestTotals, to out: inout PrometheusText) {
        out.family("menwei_requests_total", .counter, "Requests answered, by site, status code and decision.")
        let keys = totals.requests.keys.sorted { ($0.site, $0.place, $0.decision.rawValue) < ($1.site, $1.place, $1.decision.rawValue) }
        for key in keys {
            let labels = [("site", key.site), ("code", StatusCodes.labels[key.place]), ("decision", key.decision.name.description)]
            out.sample("menwei_requests_total", labels, totals.requests[key] ?? 0)
        }
        out.family("menwei_request_duration_seconds", .histogram, "From a request's head to its answer's end.")
        var sum: UInt64 = 0
        for (i, count) in totals.buckets.enumerated() {
            sum &+= count
            let bound = i < WorkerMetrics.bounds.count ? PrometheusText.seconds(WorkerMetrics.bounds[i]) : "+Inf"
            out.sample("menwei_request_duration_seconds_bucket", [("le", bound)], sum)
        }
        out.sample("menwei_request_duration_seconds_sum", text: PrometheusText.seconds(totals.nanoseconds))
        out.sample("menwei_request_duration_seconds_count", sum)
        out.family("menwei_connections", .gauge, "Client connections that are open.")
        out.sample("menwei_connections", max(0, totals.connections))
        out.family("menwei_http2_abuse_total", .counter, "HTTP/2 connections and streams that were ended for a broken bound.")
        for (budget, count) in totals.http2Abuses.sorted(by: { $0.key < $1.key }) {
            out.sample("menwei_http2_abuse_total", [("budget", budget)], count)
        }
        out.family("menwei_connections_refused_total", .counter, "Client connections that were ended before they could ask for anything, by why.")
        for reason in ConnectionRefusal.allCases {
            out.sample("menwei_connections_refused_total", [("reason", reason.name)], totals.refusals[reason.rawValue])
        }
    }

    private static func renderUpstreams(_ totals: RequestTotals, to out: inout PrometheusText) {
        let upstreams = totals.upstreams.sorted { ($0.key.site, $0.key.upstream) < ($1.key.site, $1.key.upstream) }
        func family(_ name: String, _ help: String, _ value: (UpstreamTotals) -> UInt64) {
            out.family(name, .counter, help)
            for (key, totals) in upstreams { out.sample(name, [("site", key.site), ("upstream", key.upstream)], value(totals)) }
        }
        family("menwei_upstream_ejections_total", "How often a worker passed over an upstream because requests kept failing there.", \.ejections)
        family("menwei_upstream_retries_total", "Requests that failed at an upstream and were tried again.", \.retries)
        let queues = totals.queues.sorted { $0.key < $1.key }
        out.family("menwei_upstream_queue_length", .gauge, "Requests that wait because all upstreams of a site have as many as they may.")
        for (site, queue) in queues { out.sample("menwei_upstream_queue_length", [("site", site)], max(0, queue.waiting)) }
        out.family("menwei_upstream_queue_refused_total", .counter, "Requests that could not wait, or waited too long.")
        for (site, queue) in queues { out.sample("menwei_upstream_queue_refused_total", [("site", site)], queue.turnedAway) }
    }

    private static func render(
        _ counters: [Pair: UInt64], _ name: String, _ labels: (String, String), _ help: String, to out: inout PrometheusText
    ) {
        out.family(name, .counter, help)
        for (pair, count) in counters.sorted(by: { ($0.key.first, $0.key.second) < ($1.key.first, $1.key.second) }) {
            out.sample(name, [(labels.0, pair.first), (labels.1, pair.second)], count)
        }
    }

    private static func render(_ gauges: Gauges, to out: inout PrometheusText) {
        if let sessions = gauges.sessions() {
            out.family("menwei_sessions", .gauge, "Sessions that live.")
            out.sample("menwei_sessions", sessions)
        }
        out.family("menwei_upstream_healthy", .gauge, "0 where an upstream is passed over, or the last connection to it could not be made, else 1.")
        for upstream in gauges.upstreams() {
            out.sample("menwei_upstream_healthy", [("site", upstream.site), ("upstream", upstream.upstream)], upstream.isHealthy ? 1 : 0)
        }
        if let loaded = gauges.configurationLoaded() {
            out.family("menwei_config_loaded_timestamp_seconds", .gauge, "When the configuration in use was loaded.")
            out.sample("menwei_config_loaded_timestamp_seconds", loaded.seconds)
        }
        if let succeeded = gauges.lastReloadSucceeded() {
            out.family("menwei_config_last_reload_successful", .gauge, "1 where the configuration that was read last is in use.")
            out.sample("menwei_config_last_reload_successful", succeeded ? 1 : 0)
        }
        out.family("menwei_certificate_expiry_timestamp_seconds", .gauge, "When a certificate expires.")
        for certificate in gauges.certificates() {
            out.sample("menwei_certificate_expiry_timestamp_seconds", [("name", certificate.name)], certificate.expires.seconds)
        }
        out.family("menwei_records_dropped_total", .counter, "Records that nobody read in time.")
        out.sample("menwei_records_dropped_total", gauges.recordsDropped())
    }
}
