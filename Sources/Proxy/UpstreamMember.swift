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
    /// Maps what answers say of addresses, where the upstream was asked under another one than the client's.
    let addressMapping: AddressMapping?

    init(_ address: UpstreamAddress, index: Int, of options: SiteOptions, counters: UpstreamCounters, on loop: EventLoop) {
        self.address = address
        self.index = index
        self.counters = counters
        pool = UpstreamPool(address, on: loop, connectLimit: options.timeouts.connect.nanoseconds) { [unowned loop] in
            counters.connected($0, at: loop.now)
        }
        switch options.hostHeader {
        case .keep: hostHeader = nil
        case .upstream: hostHeader = address.authority
        case .literal(let text): hostHeader = text
        }
        let prefix = options.strippedPrefix
        var names = hostHeader.map { [$0] } ?? []
        if !prefix.isEmpty { names.append(address.authority) }
        addressMapping = names.isEmpty ? nil : AddressMapping(names: names, origin: options.origin, prefix: prefix)
    }
}

extension UpstreamAddress {
    /// The host as it stands in a URL: an IPv6 literal in brackets.
    var urlHost: String { host.contains(":") ? "[\(host)]" : host }
    /// Host and port, as they stand in a URL.
    var authority: String { port == 80 ? urlHost : "\(urlHost):\(port)" }
}
