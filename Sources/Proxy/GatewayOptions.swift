public import Access
public import HTTP

/// What a worker's gateway serves.
public struct GatewayOptions: Sendable {
    /// The one origin to which WeCom returns people.
    public var authOrigin: Origin
    /// In the order of configuration; a site's place is its number in records and metrics.
    public var sites: [SiteOptions]
    /// File names at the root of every origin that prove ownership of a domain.
    public var ownershipFiles: [String]
    /// The connection whose departments and tags go without `ID/`; nil: none.
    public var plainNames: String?
    /// What the gateway is called in `Via`; the same in all workers.
    public var via: ViaName
    /// What active checks say of the upstreams, for all workers. Whoever makes the options for several workers gives them the same.
    public var upstreamHealth: UpstreamHealth

    public init(authOrigin: Origin, sites: [SiteOptions], ownershipFiles: [String], plainNames: String?, via: ViaName) {
        self.authOrigin = authOrigin
        self.sites = sites
        self.ownershipFiles = ownershipFiles
        self.plainNames = plainNames
        self.via = via
        upstreamHealth = UpstreamHealth(sites: sites.count)
    }
}
