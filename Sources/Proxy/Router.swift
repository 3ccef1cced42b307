import Access
import HTTP

/// Which site a request belongs to: by the origin it names, then by the longest path at segment borders (README, *What clients receive*).
struct Router {
    /// One origin and what lies on it.
    final class OriginTable {
        let origin: Origin
        let isAuth: Bool
        /// Longest path first; the last may be the root.
        fileprivate(set) var sites: [(path: [UInt8], folded: [UInt8], site: Site)] = []

        init(_ origin: Origin, isAuth: Bool) {
            self.origin = origin
            self.isAuth = isAuth
        }

        /// The site for a canonical, decoded path; nil where none has it.
        func site(for path: Span<UInt8>) -> Site? {
            var folded: [UInt8]?
            for entry in sites {
                if entry.site.options.ignoreCase {
                    let own = folded ?? PathFolding.fold(path)
                    folded = own
                    if Self.lies(own.span, under: entry.folded) { return entry.site }
                } else if Self.lies(path, under: entry.path) {
                    return entry.site
                }
            }
            return nil
        }

        private static func lies(_ path: Span<UInt8>, under prefix: [UInt8]) -> Bool {
            let count = prefix.count
            if path.count < count || (path.count > count && path[count] != 0x2F) { return false }
            for i in 0..<count where path[i] != prefix[i] { return false }
            return true
        }
    }

    private var origins: [Origin: OriginTable] = [:]
    /// The origin asked for last: browsers ask for the same one again and again.
    private var last: OriginTable?

    init(auth: Origin, sites: [Site]) {
        origins[auth] = OriginTable(auth, isAuth: true)
        for site in sites {
            let table = origins[site.options.origin] ?? OriginTable(site.options.origin, isAuth: false)
            origins[site.options.origin] = table
            // The root's prefix is empty: everything lies under it.
            let path = site.options.path == "/" ? [] : Array(site.options.path.utf8)
            table.sites.append((path, PathFolding.fold(path.span), site))
        }
        for table in origins.values { table.sites.sort { $0.path.count > $1.path.count } }
    }

    /// The origin that the client names; nil where it is none of ours, or not well-formed.
    mutating func origin(for authority: ArraySlice<UInt8>) -> OriginTable? {
        if let last, Authority.names(last.origin, authority.span) { return last }
        guard let origin = Authority.origin(authority), let table = origins[origin] else { return nil }
        last = table
        return table
    }
}
