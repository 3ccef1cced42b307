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

    init(_ address: UpstreamAddress, index: Int, of options: SiteOptions, counters: UpstreamCounters, on loop: EventLoop, recorder: Recorder) {
        self.address = address
        self.index = index
        self.counters = counters
        pool = UpstreamPool(address, of: options, on: loop, recorder: recorder) { [unowned loop] in
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
