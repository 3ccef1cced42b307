public import Bytes

/// Whom a server believes what they say of the clients for whom they speak. Nobody, unless somebody is named.
public struct TrustedPeers: Equatable, Sendable {
    /// Balancers: each of their connections begins with a PROXY header, and is that client's from then on. No others' may.
    public var proxyProtocol: [IPNetwork] = []
    /// Proxies whose `X-Forwarded-For` is believed.
    public var forwardedFor: [IPNetwork] = []

    public init(proxyProtocol: [IPNetwork] = [], forwardedFor: [IPNetwork] = []) {
        self.proxyProtocol = proxyProtocol
        self.forwardedFor = forwardedFor
    }
}
