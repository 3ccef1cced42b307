import Bytes
import EventLoop
import HTTP
import Telemetry

/// The active checks of all upstreams. One worker of the process does them (`UpstreamHealth.claim`); what changes is told to all through the flags, and once to
/// the administrator.
final class HealthChecks {
    private var checks: [HealthCheck] = []
    private let server: Server

    /// Begins at once with every upstream of the sites that want it.
    init(_ sites: [Site], by gateway: Gateway, health: UpstreamHealth, recorder: Recorder) {
        server = Server(on: gateway.loop, limits: ServerLimits(), tls: nil, handler: HealthProbeHandler())
        for site in sites {
            guard let options = site.options.health, let request = HealthCheck.Request(options, at: site.options.origin) else { continue }
            for member in site.group.members {
                let verdict = HealthVerdict(options, isWell: health.isWell(site: site.index, upstream: member.index))
                checks.append(HealthCheck(options, verdict, request, member, of: site, by: gateway, on: server) { [unowned site] isWell, reason in
                    health.set(site: site.index, upstream: member.index, isWell: isWell)
                    let details: [(StaticString, String)] = [("site", site.options.id), ("upstream", member.address.text), ("reason", reason)]
                    if isWell {
                        recorder.log(.info, "upstream passes its health checks again", details)
                    } else {
                        recorder.log(.warn, "upstream fails its health checks", details)
                    }
                })
            }
        }
        for check in checks { check.begin() }
    }

    func stop() {
        for check in checks { check.stop() }
        checks = []
    }
}

/// The checks of one upstream, one after the other.
final class HealthCheck {
    /// What is asked.
    struct Request {
        let head: RequestHead
        let target: CanonicalTarget

        /// Nil where the path is none.
        init?(_ options: SiteOptions.HealthCheck, at origin: Origin) {
            var parser = RequestParser()
            let text = "GET \(options.path) HTTP/1.1\r\nHost: \(origin.authority)\r\nUser-Agent: menwei-health\r\nAccept: */*\r\n\r\n"
            guard case .head = try? parser.next(Array(text.utf8).span), let target = try? CanonicalTarget(Array(options.path.utf8).span) else { return nil }
            head = parser.head
            self.target = target
        }
    }

    private let request: Request
    private let member: UpstreamMember
    private let site: Site
    private unowned let gateway: Gateway
    private let server: Server
    private let interval: UInt64
    private let limit: UInt64
    private let changed: (Bool, String) -> Void
    private var verdict: HealthVerdict
    private var timer: LoopTimer?
    private var probe: HealthProbe?

    /// `changed`: called with the new verdict and why.
    init(_ options: SiteOptions.HealthCheck, _ verdict: HealthVerdict, _ request: Request, _ member: UpstreamMember, of site: Site, by gateway: Gateway, on server: Server,
         changed: @escaping (Bool, String) -> Void) {
        self.verdict = verdict
        self.request = request
        self.member = member
        self.site = site
        self.gateway = gateway
        self.server = server
        self.changed = changed
        interval = options.interval.nanoseconds
        // An upstream that hangs must not hold the checks up longer than one that is gone.
        limit = min(interval, site.nanoseconds.connect)
    }

    func begin() {
        let timer = LoopTimer { [weak self] in self?.ask() }
        self.timer = timer
        server.loop.schedule(timer, after: 0)
    }

    func stop() {
        if let timer { server.loop.cancel(timer) }
        timer = nil
        probe?.cancel()
        probe = nil
    }

    private func ask() {
        probe?.cancel()
        probe = HealthProbe(request.head, request.target, to: member, of: site, by: gateway, on: server, limit: limit) { [weak self] in self?.learn($0) }
    }

    private func learn(_ outcome: HealthProbe.Outcome) {
        // What could not even be asked speaks neither for nor against.
        if case .failed(.outOfMeans) = outcome {} else if verdict.note(succeeded: outcome.isWell) { changed(verdict.isWell, outcome.reason) }
        if let timer { server.loop.schedule(timer, after: interval) }
    }
}

extension HealthProbe.Outcome {
    /// For diagnostics.
    fileprivate var reason: String {
        switch self {
        case .status(let status): "status \(status)"
        case .failed(let failure): failure.reason
        case .tooLate: "no answer in time"
        }
    }
}
