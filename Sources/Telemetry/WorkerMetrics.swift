import Synchronization

/// The hot counters of one worker: it alone writes them, `Metrics.render()` sums those of all workers. A call costs a handful of plain
/// stores.
public final class WorkerMetrics: Sendable {
    /// Upper bounds of the duration histogram's buckets, in nanoseconds.
    static let bounds: [UInt64] = [
        1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000, 250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000,
        5_000_000_000, 10_000_000_000, 30_000_000_000, 60_000_000_000,
    ]

    /// The site names that indices stand for.
    public let sites: [String]
    /// For each decision one block per site, and one more for requests of no site.
    private let requests: [CounterBlock]
    /// One counter a bucket, not cumulative; then the sum in nanoseconds.
    private let durations = CounterBlock()
    private let connections = CounterBlock()
    /// One counter a reason.
    private let refusals = CounterBlock()
    /// By the bound that was broken. Rare, so under a lock.
    private let abuses = Mutex<[String: UInt64]>([:])
    /// The upstreams of each site, as configured.
    let upstreamNames: [[String]]
    private let upstreams: [[UpstreamCounters]]
    private let queues: [QueueCounters]
    private let bounds = WorkerMetrics.bounds
    private let places = StatusCodes.places

    private let metrics: Metrics

    init(sites: [String], upstreams names: [[String]], of metrics: Metrics) {
        self.sites = sites
        self.metrics = metrics
        upstreamNames = names
        upstreams = names.map { $0.map { _ in UpstreamCounters() } }
        queues = sites.map { _ in QueueCounters() }
        precondition(StatusCodes.count <= CounterBlock.capacity && Self.bounds.count + 2 <= CounterBlock.capacity)
        requests = (0..<(sites.count + 1) * AccessDecision.allCases.count).map { _ in CounterBlock() }
    }

    /// The worker counts with it no more; what was counted stays.
    public func retire() { metrics.retire(self) }

    /// One request is over. `site`: its index in `sites`, anything else for none. `status`: 0 where no answer went out.
    public func request(site: Int, status: UInt16, decision: AccessDecision, durationNanoseconds: UInt64) {
        let row = site >= 0 && site < sites.count ? site : sites.count
        let place = status < 600 ? Int(places[Int(status)]) : StatusCodes.count - 1
        requests[row * AccessDecision.allCases.count + Int(decision.rawValue)].add(place, 1)
        var bucket = 0
        while bucket < bounds.count, durationNanoseconds > bounds[bucket] { bucket += 1 }
        durations.add(bucket, 1)
        durations.add(bounds.count + 1, durationNanoseconds)
    }

    /// The counters of an upstream: its place among those of the site at that index. One that is not known is counted nowhere.
    public func upstream(site: Int, _ index: Int) -> UpstreamCounters {
        upstreams.indices.contains(site) && upstreams[site].indices.contains(index) ? upstreams[site][index] : UpstreamCounters()
    }

    /// The counters of those who wait for an upstream of the site at that index.
    public func queue(site: Int) -> QueueCounters { queues.indices.contains(site) ? queues[site] : QueueCounters() }

    public func connectionOpened() { connections.add(0, 1) }
    public func connectionClosed() { connections.add(1, 1) }
    public func connectionRefused(_ reason: ConnectionRefusal) { refusals.add(reason.rawValue, 1) }

    /// A client broke a bound of HTTP/2. `budget`: one of a few fixed words.
    public func http2Abuse(budget: String) { abuses.withLock { $0[budget, default: 0] &+= 1 } }

    /// Adds what was counted so far to `totals`.
    func add(to totals: inout RequestTotals) {
        for row in 0...sites.count {
            let site = row < sites.count ? sites[row] : ""
            for decision in AccessDecision.allCases {
                let block = requests[row * AccessDecision.allCases.count + Int(decision.rawValue)]
                for place in 0..<StatusCodes.count where block.value(place) > 0 {
                    totals.requests[.init(site: site, place: place, decision: decision), default: 0] &+= block.value(place)
                }
            }
        }
        for bucket in 0...Self.bounds.count { totals.buckets[bucket] &+= durations.value(bucket) }
        totals.nanoseconds &+= durations.value(Self.bounds.count + 1)
        for reason in ConnectionRefusal.allCases { totals.refusals[reason.rawValue] &+= refusals.value(reason.rawValue) }
        let opened = connections.value(0)
        let closed = connections.value(1)
        totals.connections += Int64(clamping: opened) - Int64(clamping: closed)
        for (budget, count) in abuses.withLock({ $0 }) { totals.http2Abuses[budget, default: 0] &+= count }
        for (site, names) in zip(sites.indices, upstreamNames) {
            for (index, name) in names.enumerated() { upstreams[site][index].add(to: &totals.upstreams[.init(site: sites[site], upstream: name), default: .init()]) }
            queues[site].add(to: &totals.queues[sites[site], default: .init()])
        }
    }
}

/// The sums over all workers.
struct RequestTotals {
    struct Key: Hashable {
        var site: String
        var place: Int
        var decision: AccessDecision
    }
    var requests: [Key: UInt64] = [:]
    var buckets = [UInt64](repeating: 0, count: WorkerMetrics.bounds.count + 1)
    var nanoseconds: UInt64 = 0
    var connections: Int64 = 0
    var http2Abuses: [String: UInt64] = [:]
    var refusals = [UInt64](repeating: 0, count: ConnectionRefusal.allCases.count)
    struct UpstreamKey: Hashable {
        var site: String
        var upstream: String
    }
    var upstreams: [UpstreamKey: UpstreamTotals] = [:]
    var queues: [String: QueueTotals] = [:]

    /// Leaves what counts up; what tells of the present is told by who is there.
    mutating func forgetThePresent() {
        connections = 0
        upstreams = upstreams.mapValues { UpstreamTotals(ejections: $0.ejections, retries: $0.retries) }
        queues = queues.mapValues { QueueTotals(turnedAway: $0.turnedAway) }
    }
}
