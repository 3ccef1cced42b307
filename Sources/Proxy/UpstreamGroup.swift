import EventLoop
import Telemetry

/// The upstreams of one site as one worker sees them: who serves the next request, who is passed over, and who waits.
///
/// Workers share nothing of it but what active checks found (`UpstreamHealth`).
final class UpstreamGroup {
    typealias Line = WaitingLine<Relay>

    let members: [UpstreamMember]
    private let site: (id: String, index: Int)
    private let loop: EventLoop
    private let limits: UpstreamLimits
    private let health: UpstreamHealth
    private let queue: QueueCounters
    private let recorder: Recorder
    private let everyone: UpstreamSet
    private var balancer: Balancer
    private var ejection: PassiveEjection
    private var line = Line()
    /// Those who wait are being let in.
    private var isAdmitting = false

    init(of options: SiteOptions, index: Int, on loop: EventLoop, health: UpstreamHealth, metrics: WorkerMetrics, recorder: Recorder) {
        site = (options.id, index)
        self.loop = loop
        self.health = health
        self.recorder = recorder
        limits = options.upstreamLimits
        queue = metrics.queue(site: index)
        members = options.upstreams.enumerated().map {
            UpstreamMember($1, index: $0, of: options, counters: metrics.upstream(site: index, $0), on: loop, recorder: recorder)
        }
        everyone = .first(members.count)
        balancer = Balancer(options.balance, upstreams: members.count, start: .random(in: 0..<members.count))
        ejection = PassiveEjection(upstreams: members.count, limits: limits.ejection)
    }

    /// How many wait.
    var waiting: Int { line.count }

    // MARK: places

    /// Finds an upstream for `relay`, if possible none of `tried`: now (`Relay.placed`), or when a request there ends. Where too many wait already
    /// the request fails (`Relay.turnedAway`).
    func place(_ relay: Relay, tried: UpstreamSet) {
        if line.count == 0, let member = pick(tried: tried) { return relay.placed(at: member) }
        guard line.count < limits.waiting else {
            queue.turnedAway()
            return relay.turnedAway(.unreachable)
        }
        queue.joined()
        relay.waits(at: line.join(relay))
    }

    private func pick(tried: UpstreamSet) -> UpstreamMember? {
        let index: Int?
        if members.count == 1 {
            index = balancer.pick(among: everyone, limit: limits.requests)
        } else {
            index = balancer.pick(among: welcome(of: everyone.avoiding(tried)), limit: limits.requests)
            if let index { ejection.picked(index, at: loop.now) }
        }
        return index.map { members[$0] }
    }

    /// Those of `set` against whom nothing speaks; where that is nobody, more.
    private func welcome(of set: UpstreamSet) -> UpstreamSet {
        set.avoiding(health.unwell(site: site.index)).avoiding(ejection.passedOver(at: loop.now))
    }

    /// Whether requests avoid that upstream, since others are well.
    func passesOver(_ member: UpstreamMember) -> Bool { members.count > 1 && !welcome(of: everyone).contains(member.index) }

    /// A request goes to that upstream past the balancer's choice, since it has a connection of its own there; it counts like any other. False where it must
    /// wait like any other.
    func enters(_ member: UpstreamMember) -> Bool {
        guard line.count == 0, balancer.take(member.index, limit: limits.requests) else { return false }
        if members.count > 1 { ejection.picked(member.index, at: loop.now) }
        return true
    }

    /// A request there is through, or goes elsewhere: the first of those who wait may come.
    func left(_ member: UpstreamMember) {
        balancer.ended(member.index)
        if members.count > 1 { ejection.ended(member.index) }
        // Who is let in and fails at once leaves again: the loop goes on with the next, and no call stands on another for each who waits.
        if isAdmitting { return }
        isAdmitting = true
        defer { isAdmitting = false }
        while let first = line.first, let next = pick(tried: first.guest.tried) {
            leave(first)
            first.guest.placed(at: next)
        }
    }

    /// Whoever waited there does so no more.
    func leave(_ place: Line.Place) {
        if line.leave(place) { queue.left() }
    }

    /// It waited too long.
    func waitedTooLong(_ place: Line.Place) {
        leave(place)
        queue.turnedAway()
    }

    /// No new connections are kept, and those that are kept are closed; what is under way goes on.
    func close() {
        for member in members { member.pool.close() }
    }

    // MARK: verdicts

    /// It answered a request.
    func answered(_ member: UpstreamMember) {
        guard ejection.succeeded(member.index) else { return }
        member.counters.isOut = false
        recorder.log(.info, "upstream answers again", [("site", site.id), ("upstream", member.address.text)])
    }

    /// It did not answer a request, for which it is to blame.
    func failed(_ member: UpstreamMember, _ failure: UpstreamFailure) {
        let verdict = ejection.failed(member.index, at: loop.now)
        var details: [(StaticString, String)] = [("site", site.id), ("upstream", member.address.text), ("reason", failure.reason)]
        switch verdict {
        case .nothing: break
        case .kept: recorder.log(.warn, "upstream keeps failing", details)
        case .out(let nanoseconds):
            member.counters.ejected()
            details.append(("seconds", String(nanoseconds / 1_000_000_000)))
            recorder.log(.warn, "upstream keeps failing and is passed over", details)
        }
    }
}

extension UpstreamFailure {
    /// For diagnostics.
    var reason: String {
        switch self {
        case .unreachable: "no connection"
        case .outOfMeans: "no means to connect"
        case .staleConnection, .unanswered: "connection closed"
        case .broken: "answer broken"
        case .timedOut: "no answer in time"
        case .notExecuted: "request refused"
        }
    }
}
