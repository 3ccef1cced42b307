import Access
import HTTP
import Proxy

/// Which site and rule a request falls under, found as the gateway finds it, for commands that ask nobody.
struct SiteFinder {
    enum Place {
        /// The origin, where the authority names one.
        case noOrigin(String?)
        case noSite
        /// A path of the gateway's own, an ownership file, the auth origin's first page.
        case own
        case rule(SiteOptions, Policy, Int)
    }

    private struct Table {
        /// Those with the longest paths first.
        var sites: [(options: SiteOptions, policy: Policy)] = []
        var isAuth = false
    }
    private struct Route: Equatable {
        var isOwn: Bool
        /// Position in the table.
        var site: Int?
        var rule: Int
    }

    private var tables: [Origin: Table] = [:]
    private let ownershipFiles: Set<[UInt8]>

    init(_ configuration: Configuration) {
        tables[configuration.auth.origin] = Table(isAuth: true)
        for site in configuration.sites.sorted(by: { $0.path.utf8.count > $1.path.utf8.count }) {
            tables[site.origin, default: Table()].sites.append((site, Policy(rules: site.rules, ignoreCase: site.ignoreCase)))
        }
        ownershipFiles = Set(configuration.auth.ownershipFiles.map { Array("/\($0)".utf8) })
    }

    /// - Parameters:
    ///   - authority: `Host`, as a client sends it.
    ///   - target: path and query.
    func place(authority: ArraySlice<UInt8>, target: [UInt8], _ method: RuleMethod) throws(ProtocolFault) -> Place {
        guard let origin = Authority.origin(authority) else { return .noOrigin(nil) }
        guard let table = tables[origin] else { return .noOrigin(origin.text) }
        let target = try CanonicalTarget(target.span)
        let route = Self.route(target.path, table, method)
        for reading in target.readings() where Self.route(reading, table, method) != route { throw ProtocolFault("ambiguous-path") }
        if route.isOwn || ownershipFiles.contains(target.path) || (table.isAuth && route.site == nil && target.path == [0x2F]) { return .own }
        guard let index = route.site else { return .noSite }
        let (site, policy) = table.sites[index]
        try target.check(anyEncoding: site.anyEncoding, ignoreCase: site.ignoreCase)
        return .rule(site, policy, route.rule)
    }

    private static func route(_ path: [UInt8], _ table: Table, _ method: RuleMethod) -> Route {
        let site = table.sites.indices.first { lies(path, in: table.sites[$0].options) }
        let isOwn = PathText.isGateway(path)
        return Route(isOwn: isOwn, site: site, rule: isOwn ? 0 : site.map { table.sites[$0].policy.rule(path: path, method: method) } ?? 0)
    }

    private static func lies(_ path: [UInt8], in site: SiteOptions) -> Bool {
        let base = Array(site.path.utf8)
        guard site.ignoreCase else { return PathText.isAtOrBelow(path, base) }
        return PathText.isAtOrBelow(PathFolding.fold(path.span), PathFolding.fold(base.span))
    }
}
