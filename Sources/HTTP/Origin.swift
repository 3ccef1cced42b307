/// A web origin (RFC 6454) that the gateway serves: always https, host in lower case without a trailing dot, port 443 where none is named.
public struct Origin: Hashable, Sendable {
    public var host: String
    public var port: UInt16

    public init(host: String, port: UInt16 = 443) {
        self.host = host
        self.port = port
    }

    /// As browsers serialise it: `https://host`, `https://host:8443`.
    public var text: String { "https://" + authority }
    /// `host`, or `host:port` where the port is not 443.
    public var authority: String { port == 443 ? host : "\(host):\(port)" }
}
