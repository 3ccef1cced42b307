import Synchronization

/// What active checks say of the upstreams of all sites. One worker checks and writes, all read: so an upstream is asked once an interval,
/// however many workers there are.
public final class UpstreamHealth: Sendable {
    private final class Flags: Sendable {
        /// A bit an upstream, set where it is unwell.
        let unwell = Atomic<UInt64>(0)
    }

    private let sites: [Flags]
    private let isClaimed = Atomic(false)

    /// `sites`: how many there are.
    public init(sites: Int) { self.sites = (0..<sites).map { _ in Flags() } }

    /// For those sites. What was found of upstreams that `last` checked in the same way stays.
    public convenience init(of sites: [SiteOptions], last: (sites: [SiteOptions], health: UpstreamHealth)?) {
        self.init(sites: sites.count)
        guard let last else { return }
        for (index, site) in sites.enumerated() {
            guard let before = last.sites.firstIndex(where: { $0.id == site.id && $0.health == site.health }) else { continue }
            for (place, upstream) in site.upstreams.enumerated() {
                guard let was = last.sites[before].upstreams.firstIndex(of: upstream), !last.health.isWell(site: before, upstream: was) else { continue }
                set(site: index, upstream: place, isWell: false)
            }
        }
    }

    /// True for the first who asks, who is to do the checks.
    func claim() -> Bool { !isClaimed.exchange(true, ordering: .relaxed) }

    /// The upstreams of the site at that index that do not answer their checks.
    func unwell(site: Int) -> UpstreamSet { UpstreamSet(bits: sites[site].unwell.load(ordering: .relaxed)) }

    /// Whether the upstream at `upstream` of the site at `site` answers its checks; true where nobody checks.
    public func isWell(site: Int, upstream: Int) -> Bool { !unwell(site: site).contains(upstream) }

    func set(site: Int, upstream: Int, isWell: Bool) {
        var set = unwell(site: site)
        if isWell { set.remove(upstream) } else { set.insert(upstream) }
        sites[site].unwell.store(set.bits, ordering: .relaxed)
    }
}
