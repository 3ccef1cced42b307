/// How assertions and requests are signed. The names are JOSE's (RFC 7518 section 3.1, RFC 8037 section 3.1).
public enum SigningAlgorithm: String, CaseIterable, Sendable {
    /// ECDSA on P-256 with SHA-256.
    case es256 = "ES256"
    /// Ed25519.
    case edDSA = "EdDSA"
    /// RSASSA-PKCS1-v1_5 with SHA-256, for verifiers that know nothing newer.
    case rs256 = "RS256"

    /// The same in the registry of HTTP message signatures (RFC 9421 section 6.2.2).
    public var httpName: StaticString {
        switch self {
        case .es256: "ecdsa-p256-sha256"
        case .edDSA: "ed25519"
        case .rs256: "rsa-v1_5-sha256"
        }
    }

    /// Bits of the RSA keys that are made here: what the large providers use. A key signs for a month; a longer one signs three times as slowly.
    static let rsaBits: UInt32 = 2048
    /// Bits of RSA keys that others may lay into the folder (RFC 7518 section 3.3 asks for 2048).
    static let rsaRange = 2048...4096
}
