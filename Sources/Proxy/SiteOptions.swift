public import Access
public import HTTP
public import TLS

/// Where a site's requests go.
public struct UpstreamAddress: Hashable, Sendable {
    /// How it is spoken to.
    public enum Scheme: Sendable {
        /// HTTP/1.1.
        case http
        /// HTTP/2 or HTTP/1.1 over TLS, as the upstream chooses.
        case https
        /// HTTP/2 without TLS, known beforehand (RFC 9113 section 3.3).
        case h2c
        /// HTTP/1.1 over a socket in the file system.
        case unix
    }

    public var scheme: Scheme
    /// A host name or an IP literal (IPv6 without brackets). Of a socket in the file system its path.
    public var host: String
    public var port: UInt16
    /// As configured, for records and metrics.
    public var text: String

    public init(scheme: Scheme = .http, host: String, port: UInt16, text: String) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.text = text
    }

    /// What `Host` says of it: an IPv6 literal in brackets, no port where it is the scheme's own.
    public var authority: String {
        if scheme == .unix { return "localhost" }
        let host = self.host.contains(":") ? "[\(self.host)]" : self.host
        return port == (scheme == .https ? 443 : 80) ? host : "\(host):\(port)"
    }
}

/// How TLS is spoken to a site's upstreams.
public struct UpstreamTLS: Equatable, Sendable {
    /// The name that their certificates must be good for, and that SNI carries; nil: the host of each.
    public var serverName: String?
    /// The authorities that are believed (PEM); nil: the system's.
    public var authoritiesPEM: [UInt8]?
    /// What the gateway shows of itself; nil: nothing.
    public var certificate: CertificateMaterial?
    public init() {}
}

/// One protected application.
public struct SiteOptions: Sendable {
    /// What the upstream sees in `Host`.
    public enum HostHeader: Equatable, Sendable {
        /// What the client asked.
        case keep
        /// The upstream's own authority.
        case upstream
        case literal(String)
    }
    /// How requests are spread over several upstreams.
    public enum Balance: Equatable, Sendable {
        /// To the one with the fewest requests under way; among equals in turn.
        case leastRequests
        /// In turn.
        case roundRobin
    }
    /// How upstreams are asked whether they are well.
    public struct HealthCheck: Equatable, Sendable {
        /// Begins with `/`.
        public var path: String
        /// Between two checks of an upstream.
        public var interval = Duration.seconds(5)
        /// Checks in a row that must fail, or succeed, to change what is thought of an upstream.
        public var unhealthyAfter = 3
        public var healthyAfter = 1
        public init(path: String) { self.path = path }
    }
    /// Where the address for WeCom's workbench leads, by device: paths from the root of the origin, encoded, with query and fragment where they have them.
    /// Nil: the site's path.
    public struct Landing: Equatable, Sendable {
        public var mobile: String?
        public var desktop: String?
        public init(mobile: String? = nil, desktop: String? = nil) {
            self.mobile = mobile
            self.desktop = desktop
        }
    }
    /// How long an upstream may take.
    public struct Timeouts: Equatable, Sendable {
        /// Until a connection stands, waiting for one included. Where a request is tried at several upstreams or addresses, they share it.
        public var connect = Duration.seconds(5)
        /// From the end of the request to the response head.
        public var response = Duration.seconds(60)
        /// Without a byte in either direction, WebSockets and event streams included.
        public var idle = Duration.seconds(600)
        public init() {}
    }

    /// How configuration, records and metrics name it.
    public var id: String
    public var origin: Origin
    /// Percent-decoded, begins with `/`, no `/` at the end but for the root.
    public var path = "/"
    /// At least one, at most `UpstreamSet.capacity`.
    public var upstreams: [UpstreamAddress]
    public var upstreamTLS = UpstreamTLS()
    public var balance = Balance.leastRequests
    /// Nil: nobody asks.
    public var health: HealthCheck?
    public var upstreamLimits = UpstreamLimits()
    public var hostHeader = HostHeader.keep
    /// `path` is taken off before the request goes to an upstream, and put back into what its answers say of addresses.
    public var stripsPath = false
    /// Paths need not decode to UTF-8 (`paths.encoding: any`).
    public var anyEncoding = false
    /// Case, and trailing dots and blanks of a segment, do not count when rules and sites are chosen (`paths.ignore_case`).
    public var ignoreCase = false
    /// Other origins whose scripts may use this site.
    public var trustedOrigins: [String] = []
    /// In order: the first that matches decides; where none does, members.
    public var rules: [Rule] = []
    /// How much the rules count.
    public var enforcement = Enforcement.required
    /// The plain identity headers, defaults merged, `null` ones removed, in the order of configuration.
    public var identityHeaders: [IdentityHeader] = []
    /// What goes as `Authorization` with each request of a session; the client's own goes to such a site never.
    public var basic: BasicCredentials?
    /// Each request is signed (`identity.signature`, RFC 9421).
    public var signsRequests = false
    public var timeouts = Timeouts()
    public var landing = Landing()
    /// Bytes; 0: none.
    public var requestBodyLimit: UInt64 = 100 << 20

    public init(id: String, origin: Origin, upstreams: [UpstreamAddress]) {
        self.id = id
        self.origin = origin
        self.upstreams = upstreams
    }
}
