public import Bytes
public import Crypto
public import HTTP

/// A signed assertion, kept per session and site.
public struct CachedAssertion: Equatable, Sendable {
    /// The compact JWT, fit for a header value.
    public let bytes: [UInt8]
    /// From when: a clock that went back before it makes the assertion useless, since verifiers would find it not valid yet.
    public let mintedAt: WallTime
    /// Half of its life.
    public let goodUntil: WallTime

    /// Whether it may still go with a request. It must also be dropped when the session's member or login time changes.
    public func isGood(at now: WallTime) -> Bool { mintedAt <= now && now < goodUntil }
}

/// Why there is no assertion; the request must not go on.
public enum AssertionFailure: Error, Equatable, Sendable {
    /// The texts alone exceed the limit.
    case tooLong
    case signing
}

/// Makes the assertion (README, *What the upstream receives*, `X-Menwei-Assertion`): a JWT (RFC 7519) in compact form. Signs requests with the same key.
/// One per worker and signing key; keeps its buffers. Time and randomness come in as arguments.
public final class AssertionMinter {
    /// The id of the key that signs.
    public var kid: String { signer.kid }
    public var algorithm: SigningAlgorithm { signer.algorithm }
    private let signer: Signer
    private let issuer: String
    private let lifetime: Duration
    /// Base64url of the JOSE header, and the dot.
    private let head: [UInt8]
    private var payload: [UInt8] = []
    private var signature: [UInt8] = []

    /// The longest JWT, in bytes: with the field's name, colon, blank and line end it stays under 4 KiB.
    public static let limit = 4096 - 32

    /// - Parameter issuer: the auth origin, as text.
    public init(_ key: SigningKey, issuer: String, lifetime: Duration) throws(CryptoFailure) {
        signer = try Signer(key)
        self.issuer = issuer
        self.lifetime = lifetime
        var head: [UInt8] = []
        Base64URLText.append(Array("{\"alg\":\"\(key.algorithm.rawValue)\",\"kid\":\"\(key.kid)\",\"typ\":\"JWT\"}".utf8).span, to: &head)
        head.append(0x2E)
        self.head = head
    }

    /// `aud` of a site: its origin and, but for `/`, its path.
    public static func audience(_ origin: Origin, path: String) -> String { path == "/" ? origin.text : origin.text + path }

    /// - Parameters:
    ///   - jti: 128 random bits as text (`Random.identifier()`).
    ///   - now: the time that goes into `iat` and `nbf`, in whole seconds.
    public func mint(_ session: SessionRecord, audience: String, jti: String, now: WallTime) throws(AssertionFailure) -> CachedAssertion {
        let claims = AssertionClaims(session: session, issuer: issuer, audience: audience, jti: jti, now: now, lifetime: lifetime)
        // Three bytes of JSON are four of base64url; the signature has a dot before it.
        let tail = 1 + (signer.length * 4 + 2) / 3
        let room = (Self.limit - head.count - tail) / 4 * 3
        payload.removeAll(keepingCapacity: true)
        guard claims.append(to: &payload, room: room) else { throw .tooLong }
        var out: [UInt8] = []
        out.reserveCapacity(head.count + (payload.count * 4 + 2) / 3 + tail)
        out.append(contentsOf: head)
        Base64URLText.append(payload.span, to: &out)
        signature.removeAll(keepingCapacity: true)
        do { try signer.sign(out.span, into: &signature) } catch { throw .signing }
        out.append(0x2E)
        Base64URLText.append(signature.span, to: &out)
        let half = Duration.milliseconds(lifetime.milliseconds / 2)
        return CachedAssertion(bytes: out, mintedAt: now, goodUntil: now.advanced(by: half))
    }

    /// Appends the signature of a request whose `base` is whole to `out`, as `Signature-Input` and `Signature` (RFC 9421 section 4).
    public func sign(_ base: SignatureBase, into out: inout ByteQueue) throws(AssertionFailure) {
        signature.removeAll(keepingCapacity: true)
        do { try signer.sign(base.bytes.span, into: &signature) } catch { throw .signing }
        // The buffer of the assertions has nothing in it between two of them.
        payload.removeAll(keepingCapacity: true)
        appendBase64(signature.span, to: &payload)
        out.append("Signature-Input: menwei=")
        out.append(base.parameters)
        out.append("\r\nSignature: menwei=:")
        out.append(payload)
        out.append(":\r\n")
    }
}
