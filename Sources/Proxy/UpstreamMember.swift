import Access
import Bytes
import EventLoop
import Telemetry

/// One of a site's upstreams as a worker knows it.
final class UpstreamMember {
    let address: UpstreamAddress
    /// Its place among the site's upstreams.
    let index: Int
    let pool: UpstreamPool
    let counters: UpstreamCounters
    /// What goes into `Host`, where it is not the client's.
    let hostHeader: String?
    /// Where that is so: its name in answers, mapped back.
    let hostMapping: HostMapping?

    init(_ address: UpstreamAddress, index: Int, of options: SiteOptions, counters: UpstreamCounters, on loop: EventLoop) {
        self.address = address
        self.index = index
        self.counters = counters
        pool = UpstreamPool(address, on: loop, connectLimit: options.timeouts.connect.nanoseconds) { [unowned loop] in
            counters.connected($0, at: loop.now)
        }
        switch options.hostHeader {
        case .keep: hostHeader = nil
        case .upstream: hostHeader = address.port == 80 ? address.urlHost : "\(address.urlHost):\(address.port)"
        case .literal(let text): hostHeader = text
        }
        hostMapping = hostHeader.map { HostMapping(sent: $0, origin: options.origin) }
    }
}

extension UpstreamAddress {
    /// The host as it stands in a URL: an IPv6 literal in brackets.
    var urlHost: String { host.contains(":") ? "[\(host)]" : host }
}
