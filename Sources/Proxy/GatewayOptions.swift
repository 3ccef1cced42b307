public import Access
public import HTTP

/// What a worker's gateway serves.
public struct GatewayOptions: Sendable {
    /// The one origin to which WeCom returns people.
    public var authOrigin: Origin
    /// In the order of configuration; a site's place is its number in records and metrics.
    public var sites: [SiteOptions]
    /// How long sessions live; the store holds them to the same.
    public var limits: SessionLimits
    /// File names at the root of every origin that prove ownership of a domain.
    public var ownershipFiles: [String]
    /// The connection whose departments and tags go without `ID/`; nil: none.
    public var plainNames: String?
    /// Whether the session store can be read, as whoever asks it regularly found.
    public var storeHealth = StoreHealth()
    /// What active checks say of the upstreams, for all workers. Whoever makes the options for several workers gives them the same.
    public var upstreamHealth: UpstreamHealth
    /// Keeps members current; nil: what was known at login stands.
    public var members: (any MemberVouching)?

    public init(authOrigin: Origin, sites: [SiteOptions], limits: SessionLimits, ownershipFiles: [String], plainNames: String?) {
        self.authOrigin = authOrigin
        self.sites = sites
        self.limits = limits
        self.ownershipFiles = ownershipFiles
        self.plainNames = plainNames
        upstreamHealth = UpstreamHealth(sites: sites.count)
    }
}
