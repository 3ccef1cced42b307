public import Access
public import Bytes
public import Crypto
public import HTTP
public import Proxy
public import WeCom

/// What the portal has to know of the configuration.
public struct PortalOptions: Sendable {
    /// A site, as far as logging in to it goes.
    public struct Site: Sendable, Equatable {
        public var id: String
        public var origin: Origin
        /// Begins with `/`, no `/` at the end but for the root.
        public var path: String
        /// Other origins whose scripts may read our 401 and 403.
        public var trustedOrigins: [String]
        /// Where `/.menwei/home` leads.
        public var landing = SiteOptions.Landing()

        public init(id: String, origin: Origin, path: String = "/", trustedOrigins: [String] = []) {
            self.id = id
            self.origin = origin
            self.path = path
            self.trustedOrigins = trustedOrigins
        }
    }
    /// What `/.menwei/login` shows to a browser without a session.
    public enum LoginPage: String, Sendable {
        /// A page with WeCom's panel and a button per connection.
        case panel
        /// Straight to the only connection.
        case redirect
        /// Our own QR code first, where the browser may have one; else the same as `panel`.
        case scan
    }

    /// The one origin to which WeCom returns people.
    public var authOrigin: Origin
    /// In the order of configuration.
    public var sites: [Site]
    /// In the order of configuration, which is the order of the buttons.
    public var connections: [ConnectionOptions]
    public var loginPage = LoginPage.panel
    /// Networks whose browsers may log in by our own QR code; none: off.
    public var scanFrom: [IPNetwork] = []
    /// Names like `WW_verify_YpAqDE4xoAPsmGSK.txt`.
    public var ownershipFiles: [String] = []
    public var limits = SessionLimits()
    /// How old the directory's last answer about a member may get before it is asked again.
    public var recheck = Duration.seconds(600)
    /// How long the last answer stands while WeCom cannot be asked.
    public var recheckGrace = Duration.seconds(3600)
    /// How logins and the account table meet.
    public var accounts = AccountRules()
    /// The calendar's time.
    public var now: @Sendable () -> WallTime
    /// That many random bytes.
    public var random: @Sendable (Int) throws(CryptoFailure) -> [UInt8] = { count throws(CryptoFailure) in try Random.bytes(count) }

    public init(authOrigin: Origin, sites: [Site], connections: [ConnectionOptions], now: @escaping @Sendable () -> WallTime) {
        self.authOrigin = authOrigin
        self.sites = sites
        self.connections = connections
        self.now = now
    }

    /// The auth origin and those of all sites.
    public var origins: Set<Origin> { Set(sites.map(\.origin) + [authOrigin]) }

    func connection(_ id: Substring) -> ConnectionOptions? { connections.first { $0.id == id } }
    func isSite(_ origin: Origin) -> Bool { sites.contains { $0.origin == origin } }

    /// Whether anybody may log in by our own QR code. Where scripts of a site share the auth origin nobody may: they could answer for the person.
    var isScanningOn: Bool { !scanFrom.isEmpty && !isSite(authOrigin) && connections.contains { $0.wecom != nil } }

    /// Whether a browser at that address may.
    func mayScan(from client: String) -> Bool { isScanningOn && IPAddress(client).map { scanFrom.contains(address: $0) } ?? false }

    /// Whether the page that asks for binding codes is there. Not where scripts of a site share its origin.
    var asksForCode: Bool { accounts.asksForCode && !isSite(authOrigin) }

    /// Whether that connection is there, is still of that corp, and its users have such accounts: a restart or a reload may have changed all three. What
    /// the account table said stands until `AccountWatch` or a look-up says otherwise.
    func knows(_ member: Member) -> Bool {
        guard let connection = connection(member.connection[...]), connection.corp == member.corp else { return false }
        if member.isInTable { return true }
        return accounts.mode == .open && !connection.needsAccount && Self.account(user: member.user, connection: connection) == member.account
    }

    /// The name under which applications know that user of that connection.
    public static func account(user: String, connection: ConnectionOptions) -> String {
        connection.plainNames ? user : "\(connection.id)/\(user)"
    }
}
