import Access
import HTTP

/// Which site a request belongs to: by the origin it names, then by the longest path at segment borders (README, *What clients receive*).
struct Router {
    /// One origin and what lies on it.
    final class OriginTable {
        let origin: Origin
        let isAuth: Bool
        /// Longest path first; the last may be the root.
        private var sites: [Site] = []
        /// The sites' paths, as numbers in `sites`: those that are compared to the letter, and those for which case does not count.
        private var exact = PathIndex([]), folded = PathIndex([])
        private var foldedSites: [Int] = [], exactSites: [Int] = []

        init(_ origin: Origin, isAuth: Bool) {
            self.origin = origin
            self.isAuth = isAuth
        }

        fileprivate func fill(_ sites: [Site]) {
            self.sites = sites.sorted { $0.options.path.utf8.count > $1.options.path.utf8.count }
            exactSites = self.sites.indices.filter { !self.sites[$0].options.ignoreCase }
            foldedSites = self.sites.indices.filter { self.sites[$0].options.ignoreCase }
            exact = PathIndex(exactSites.map { Self.pattern(self.sites[$0].options) })
            folded = PathIndex(foldedSites.map { Self.pattern(self.sites[$0].options) })
        }

        private static func pattern(_ site: SiteOptions) -> PathIndex.Pattern {
            // The root's path is empty: everything lies below it.
            let path = site.path == "/" ? [] : Array(site.path.utf8)
            return PathIndex.Pattern(path: site.ignoreCase ? PathFolding.fold(path.span) : path, below: true)
        }

        /// The site for a canonical, decoded path; nil where none has it.
        func site(for path: Span<UInt8>) -> Site? {
            // Most origins have one site, at the root.
            if sites.count == 1, sites[0].options.path.utf8.count == 1 { return sites[0] }
            var number = exact.first(path).map { exactSites[$0] } ?? Int.max
            if !foldedSites.isEmpty, let place = folded.first(PathFolding.fold(path).span) { number = min(number, foldedSites[place]) }
            return number == Int.max ? nil : sites[number]
        }
    }

    private var origins: [Origin: OriginTable] = [:]
    /// The origin asked for last: browsers ask for the same one again and again.
    private var last: OriginTable?

    init(auth: Origin, sites: [Site]) {
        origins[auth] = OriginTable(auth, isAuth: true)
        for (origin, sites) in Dictionary(grouping: sites, by: \.options.origin) {
            let table = origins[origin] ?? OriginTable(origin, isAuth: false)
            table.fill(sites)
            origins[origin] = table
        }
    }

    /// The origin that the client names; nil where it is none of ours, or not well-formed.
    mutating func origin(for authority: ArraySlice<UInt8>) -> OriginTable? {
        if let last, Authority.names(last.origin, authority.span) { return last }
        guard let origin = Authority.origin(authority), let table = origins[origin] else { return nil }
        last = table
        return table
    }
}
