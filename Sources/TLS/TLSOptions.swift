/// What a worker's TLS endpoint offers.
public struct TLSOptions: Sendable {
    public enum Version: Sendable { case tls12, tls13 }
    /// At least one; the first answers clients that name no host, or one that none covers.
    public var certificates: [CertificateMaterial]
    public var minimumVersion = Version.tls12
    /// In order of preference. A client that offers protocols but none of these is refused (RFC 7301, ALPACA).
    public var protocols = ["h2", "http/1.1"]
    public var tickets: TicketKeys

    public init(certificates: [CertificateMaterial], tickets: TicketKeys) {
        self.certificates = certificates
        self.tickets = tickets
    }
}
