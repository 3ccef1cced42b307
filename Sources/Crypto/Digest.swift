import COpenSSL

/// SHA-256 (FIPS 180-4), and SHA-1 for what is no secret.
public enum Digest {
    /// The SHA-256 of `bytes`. For the hot path keep a `Hasher256`.
    public static func sha256(_ bytes: [UInt8]) -> Digest256 { Hasher256().hash(bytes.span) }

    /// The SHA-256 of the UTF-8 of `text`.
    public static func sha256(_ text: String) -> Digest256 { sha256(Array(text.utf8)) }
}

extension Digest {
    /// The SHA-1 of `bytes`, 20 bytes: for `Sec-WebSocket-Accept` (RFC 6455 section 4.2.2), which asks for no strength, and for WeCom's signatures, which
    /// are made with nothing else.
    public static func sha1(_ bytes: [UInt8]) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: 20)
        let good = unsafe EVP_Digest(bytes, bytes.count, &out, nil, EVP_sha1(), nil) == 1
        precondition(good, "SHA-1 failed")
        return out
    }
}

/// SHA-256 with a context of its own, so that hashing costs neither an algorithm lookup (global locks) nor an allocation.
/// One per worker; not to be shared.
@safe public final class Hasher256 {
    private let context: OpaquePointer

    public init() {
        // Without memory or without SHA-256 there is nothing to go on with, and no digest to make up.
        guard let made = unsafe EVP_MD_CTX_new(), unsafe EVP_DigestInit_ex(made, FetchedSHA256.shared.pointer, nil) == 1 else {
            preconditionFailure("SHA-256 is not available")
        }
        unsafe context = made
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    /// The SHA-256 of `bytes`.
    public func hash(_ bytes: Span<UInt8>) -> Digest256 {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        let good = unsafe bytes.withUnsafeBytes { input in
            unsafe withUnsafeMutableBytes(of: &words) { output in
                unsafe EVP_DigestInit_ex(context, nil, nil) == 1 && EVP_DigestUpdate(context, input.baseAddress, input.count) == 1
                    && EVP_DigestFinal_ex(context, output.baseAddress?.assumingMemoryBound(to: UInt8.self), nil) == 1
            }
        }
        precondition(good, "SHA-256 failed")
        return Digest256(
            a: UInt64(bigEndian: words.0), b: UInt64(bigEndian: words.1), c: UInt64(bigEndian: words.2), d: UInt64(bigEndian: words.3))
    }
}

/// The library's SHA-256, looked up once for the whole process and never given back.
@safe private struct FetchedSHA256: Sendable {
    /// An address, since pointers are not `Sendable`; what it points to is immutable and counted atomically.
    private let address: UInt
    static let shared = FetchedSHA256()

    private init() { unsafe address = UInt(bitPattern: EVP_MD_fetch(nil, "SHA256", nil)) }
    @unsafe var pointer: OpaquePointer? { unsafe OpaquePointer(bitPattern: address) }
}

extension Digest256 {
    init(a: UInt64, b: UInt64, c: UInt64, d: UInt64) {
        (self.a, self.b, self.c, self.d) = (a, b, c, d)
    }
}

/// Whether both are the same bytes, in a time that depends on their length only. Of different lengths: false at once.
public func constantTimeEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    guard a.count == b.count else { return false }
    guard !a.isEmpty else { return true }
    return unsafe CRYPTO_memcmp(a, b, a.count) == 0
}
