import Access
import HTTP
import Proxy
import WeCom

extension ExplainRequest {
    /// The whole command: reads the configuration and judges. A configuration with faults explains nothing: its messages, 2.
    public func outcome(hooks: LoadHooks) -> CommandOutcome {
        let result = Configuration.load(file: config, hooks: hooks)
        guard let configuration = result.configuration else { return CommandOutcome(errors: result.messages, status: 2) }
        return Explain(configuration).outcome(self)
    }
}

/// `menwei explain`: judges a request as the gateway would, asking nobody.
public struct Explain: Sendable {
    let configuration: Configuration

    public init(_ configuration: Configuration) {
        self.configuration = configuration
    }

    /// Four lines and their exit status; 2 where the question itself is wrong.
    public func outcome(_ request: ExplainRequest) -> CommandOutcome {
        do throws(UsageFault) {
            let member = try member(request)
            let explanation = explain(request, member)
            return CommandOutcome(output: explanation.lines, status: explanation.exitStatus)
        } catch {
            return CommandOutcome(errors: ["menwei explain: " + error.message], status: 2)
        }
    }

    // MARK: who asks

    private func member(_ request: ExplainRequest) throws(UsageFault) -> Member? {
        guard let user = request.user else { return nil }
        let connections = configuration.connections
        if let id = request.connection {
            guard let connection = connections.first(where: { $0.id == id }) else {
                throw UsageFault(message: "there is no connection \(quoted(id))" + Suggestion.hint(for: id, among: connections.map(\.id)))
            }
            return Self.member(user, of: connection)
        }
        // An account as it stands in rules: `sub/lisi`.
        if let slash = user.firstIndex(of: "/"), let connection = connections.first(where: { !$0.plainNames && $0.id == user[..<slash].lowercased() }) {
            return Self.member(String(user[user.index(after: slash)...]), of: connection)
        }
        guard let connection = connections.first(where: \.plainNames) ?? (connections.count == 1 ? connections.first : nil) else {
            throw UsageFault(message: "--connection is needed: no connection has plain_names")
        }
        return Self.member(user, of: connection)
    }

    private static func member(_ user: String, of connection: ConnectionOptions) -> Member {
        let account = connection.plainNames ? user : connection.id + "/" + user
        return Member(connection: connection.id, corp: connection.corp, user: user, account: account)
    }

    // MARK: what is asked

    private func explain(_ request: ExplainRequest, _ member: Member?) -> Explanation {
        let method = Array(request.method.utf8)
        guard let known = Method(token: method.span) else { return .malformed(code: "method") }
        // What the gateway refuses whoever asks.
        guard known != .trace, known != .connect else { return .malformed(code: "method-not-allowed") }
        guard let url = AskedURL(request.url) else { return .malformed(code: "url") }
        guard url.isHTTPS else { return .noSuchSite("http is only redirected to https") }
        guard let origin = Authority.origin(url.authority[...]) else { return .noSuchSite("the host is none of the configured origins") }
        let isAuth = origin == configuration.auth.origin
        let sites = configuration.sites.filter { $0.origin == origin }
        guard isAuth || !sites.isEmpty else { return .noSuchSite("\(origin.text) is none of the configured origins") }
        do throws(ProtocolFault) {
            let target = try CanonicalTarget(url.target.span)
            let routes = Routes(sites: sites, method: RuleMethod(token: request.method))
            let route = routes.route(target.path)
            for reading in target.readings() where routes.route(reading) != route { throw ProtocolFault("ambiguous-path") }
            if route.isOwn || isOwnershipFile(target.path) || (isAuth && route.site == nil && target.path == [0x2F]) { return .own() }
            guard let index = route.site else { return .noSuchSite() }
            let site = sites[index]
            try target.check(anyEncoding: site.anyEncoding, ignoreCase: site.ignoreCase)
            return Explanation(site: site.id, policy: routes.policies[index], path: target.path, method: RuleMethod(token: request.method), member: member)
        } catch {
            return .malformed(code: error.code.rawValue)
        }
    }

    private func isOwnershipFile(_ path: [UInt8]) -> Bool {
        configuration.auth.ownershipFiles.contains { path.elementsEqual("/".utf8 + Array($0.utf8)) }
    }
}

/// Which site and rule a decoded path of one origin falls under: the longest path at segment borders.
private struct Routes {
    struct Route: Equatable {
        var isOwn: Bool
        /// Position in the origin's sites.
        var site: Int?
        var rule: Int
    }

    let sites: [SiteOptions]
    let policies: [Policy]
    let method: RuleMethod
    private let order: [Int]

    init(sites: [SiteOptions], method: RuleMethod) {
        self.sites = sites
        self.method = method
        policies = sites.map { Policy(rules: $0.rules, ignoreCase: $0.ignoreCase) }
        order = sites.indices.sorted { sites[$0].path.utf8.count > sites[$1].path.utf8.count }
    }

    func route(_ path: [UInt8]) -> Route {
        let site = order.first { lies(path, in: sites[$0]) }
        let isOwn = PathText.isGateway(path)
        return Route(isOwn: isOwn, site: site, rule: isOwn ? 0 : site.map { policies[$0].rule(path: path, method: method) } ?? 0)
    }

    private func lies(_ path: [UInt8], in site: SiteOptions) -> Bool {
        let base = Array(site.path.utf8)
        guard site.ignoreCase else { return PathText.isAtOrBelow(path, base) }
        return PathText.isAtOrBelow(PathFolding.fold(path.span), PathFolding.fold(base.span))
    }
}

/// A URL as a client would take it apart before it sends the request. Nothing is made well that is not.
struct AskedURL {
    var isHTTPS: Bool
    var authority: [UInt8]
    /// Path and query, `/` where there is no path; without fragment, which no client sends.
    var target: [UInt8]

    init?(_ text: String) {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), text[colon...].utf8.starts(with: "://".utf8) else { return nil }
        let scheme = text[..<colon].lowercased()
        guard scheme == "https" || scheme == "http" else { return nil }
        let rest = Array(text[colon...].utf8.dropFirst(3)).prefix { $0 != UInt8(ascii: "#") }
        let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
        isHTTPS = scheme == "https"
        authority = Array(rest[..<end])
        target = Array(rest[end...])
        if target.first != UInt8(ascii: "/") { target.insert(UInt8(ascii: "/"), at: 0) }
        // 414 before anything is asked (README, *What clients receive*).
        guard target.count <= 16 << 10, !authority.isEmpty else { return nil }
    }
}
