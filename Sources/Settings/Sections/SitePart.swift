import Access
import HTTP
import Proxy

/// The keys that a site and `site_defaults` share. Nil: not given.
struct SitePart {
    struct PathOptions {
        var anyEncoding = false
        var ignoreCase = false
    }

    var balance: SiteOptions.Balance?
    /// `.some(nil)`: no checks, whatever the defaults say.
    var health: SiteOptions.HealthCheck??
    var hostHeader: SiteOptions.HostHeader?
    var upstreamTLS: UpstreamTLS?
    var stripsPath: Bool?
    var paths: PathOptions?
    var trustedOrigins: [String]?
    var enforcement: Enforcement?
    /// Where it stands.
    var enforcementMark = Mark.start
    var rules: [RuleDraft]?
    /// Entries of `identity.headers`: the defaults' before the site's own.
    var headers: [HeaderEntry] = []
    /// `.some(nil)`: none, whatever the defaults say.
    var basic: BasicCredentials??
    var signsRequests: Bool?
    var timeouts: SiteOptions.Timeouts?
    var landing: LandingDraft?
    var bodyLimit: UInt64?

    static let keys: [Key] = [
        "host_header", "upstream_tls", "strip_path", "paths", "trusted_origins", "enforcement", "access", "identity", "timeouts", "request_body_limit",
        "balance", "health",
        "landing",
    ]

    /// A site's own value replaces the default's; `identity` is merged key by key, and so are its headers.
    func over(_ defaults: SitePart) -> SitePart {
        var part = self
        part.balance = balance ?? defaults.balance
        part.health = health ?? defaults.health
        part.hostHeader = hostHeader ?? defaults.hostHeader
        part.upstreamTLS = upstreamTLS ?? defaults.upstreamTLS
        part.stripsPath = stripsPath ?? defaults.stripsPath
        part.paths = paths ?? defaults.paths
        part.trustedOrigins = trustedOrigins ?? defaults.trustedOrigins
        part.enforcement = enforcement ?? defaults.enforcement
        part.enforcementMark = enforcement == nil ? defaults.enforcementMark : enforcementMark
        part.rules = rules ?? defaults.rules
        part.headers = defaults.headers + headers
        part.basic = basic ?? defaults.basic
        part.signsRequests = signsRequests ?? defaults.signsRequests
        part.timeouts = timeouts ?? defaults.timeouts
        part.landing = landing ?? defaults.landing
        part.bodyLimit = bodyLimit ?? defaults.bodyLimit
        return part
    }

    func fill(_ options: inout SiteOptions) {
        options.balance = balance ?? options.balance
        options.health = health ?? options.health
        options.hostHeader = hostHeader ?? options.hostHeader
        options.upstreamTLS = upstreamTLS ?? options.upstreamTLS
        options.stripsPath = stripsPath ?? options.stripsPath
        options.anyEncoding = paths?.anyEncoding ?? options.anyEncoding
        options.ignoreCase = paths?.ignoreCase ?? options.ignoreCase
        options.trustedOrigins = trustedOrigins ?? options.trustedOrigins
        options.enforcement = enforcement ?? options.enforcement
        options.rules = rules?.map(\.rule) ?? options.rules
        options.basic = basic ?? options.basic
        options.signsRequests = signsRequests ?? options.signsRequests
        options.timeouts = timeouts ?? options.timeouts
        options.requestBodyLimit = bodyLimit ?? options.requestBodyLimit
    }
}

extension ConfigurationReader {
    func readPart(_ section: Section) -> SitePart {
        var part = SitePart()
        let balance = section.value("balance", Read.word(["least_requests", "round_robin"], key: "balance"))
        part.balance = balance.map { $0 == "round_robin" ? .roundRobin : .leastRequests }
        part.health = section.node("health").map(readHealth)
        part.hostHeader = section.value("host_header", Self.readHostHeader)
        part.upstreamTLS = section.node("upstream_tls").flatMap(readUpstreamTLS)
        part.stripsPath = section.value("strip_path", Read.boolean)
        part.paths = section.node("paths").flatMap(readPathOptions)
        part.trustedOrigins = section.list("trusted_origins") { (node: YAMLNode) throws(Misread) in try Read.origin(node).text }
        part.enforcement = section.value("enforcement", Read.word(Enforcement.allCases.map(\.rawValue), key: "enforcement")).flatMap(Enforcement.init)
        part.enforcementMark = section.valueMark("enforcement")
        part.rules = section.node("access").flatMap(readAccess)
        if let identity = section.node("identity") { readIdentity(identity, into: &part) }
        part.timeouts = section.node("timeouts").flatMap(readTimeouts)
        part.landing = section.node("landing").flatMap(readLanding)
        part.bodyLimit = section.value("request_body_limit", Read.size)
        return part
    }

    private static func readHostHeader(_ node: YAMLNode) throws(Misread) -> SiteOptions.HostHeader {
        let text = try Read.text(node)
        switch text {
        case "keep": return .keep
        case "upstream": return .upstream
        default: return .literal(try Read.authority(text))
        }
    }

    private func readPathOptions(_ node: YAMLNode) -> SitePart.PathOptions? {
        guard let section = Section(node, "\"paths\"", keys: ["encoding", "ignore_case"], findings) else { return nil }
        var options = SitePart.PathOptions()
        options.anyEncoding = section.value("encoding", Read.word(["utf-8", "any"], key: "encoding")) == "any"
        options.ignoreCase = section.value("ignore_case", Read.boolean) ?? false
        return options
    }

    private func readTimeouts(_ node: YAMLNode) -> SiteOptions.Timeouts? {
        guard let section = Section(node, "\"timeouts\"", keys: ["connect", "response", "idle"], findings) else { return nil }
        let range = Duration.seconds(1)...Duration.seconds(30 * 86400)
        var timeouts = SiteOptions.Timeouts()
        timeouts.connect = section.value("connect", Read.duration(range)) ?? timeouts.connect
        timeouts.response = section.value("response", Read.duration(range)) ?? timeouts.response
        timeouts.idle = section.value("idle", Read.duration(range)) ?? timeouts.idle
        return timeouts
    }
}
