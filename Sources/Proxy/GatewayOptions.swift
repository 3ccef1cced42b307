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

    public init(authOrigin: Origin, sites: [SiteOptions], ownershipFiles: [String], plainNames: String?) {
        self.authOrigin = authOrigin
        self.sites = sites
        self.ownershipFiles = ownershipFiles
        self.plainNames = plainNames
    }
}
