import COpenSSL

/// Signs with one key. Keeps the library's contexts, so that a signature costs its arithmetic and nothing else (about 15 µs).
/// One per worker; not to be shared.
@safe public final class Signer {
    public let kid: String
    private let key: PrivateKeyHandle
    private let context: OpaquePointer
    private let hasher = Hasher256()
    /// Room for the library's form of a signature, at most 72 bytes.
    private var der = [UInt8](repeating: 0, count: 80)

    public init(_ signingKey: SigningKey) throws(CryptoFailure) {
        guard let key = PrivateKeyHandle(pem: signingKey.pem), let made = unsafe EVP_PKEY_CTX_new_from_pkey(nil, key.key, nil) else {
            throw CryptoFailure("load ES256 key")
        }
        self.key = key
        kid = signingKey.kid
        unsafe context = unsafe made
        guard unsafe EVP_PKEY_sign_init(made) == 1 else { throw CryptoFailure("prepare ES256") }
    }

    deinit { unsafe EVP_PKEY_CTX_free(context) }

    /// Appends the signature over `message` to `out`: r ‖ s, 64 bytes.
    public func sign(_ message: Span<UInt8>, into out: inout [UInt8]) throws(CryptoFailure) {
        var digest = hasher.hash(message).bigEndianWords
        var length = der.count
        let good = unsafe withUnsafeBytes(of: &digest) { input in
            unsafe EVP_PKEY_sign(context, &der, &length, input.baseAddress?.assumingMemoryBound(to: UInt8.self), input.count) == 1
        }
        let written = der
        guard good, length <= written.count, ECDSASignature.appendRaw(fromDER: written.span.extracting(0..<length), to: &out) else {
            ERR_clear_error()
            throw CryptoFailure("sign ES256")
        }
    }

    /// The signature over `message`: r ‖ s, 64 bytes.
    public func sign(_ message: [UInt8]) throws(CryptoFailure) -> [UInt8] {
        var out: [UInt8] = []
        try sign(message.span, into: &out)
        return out
    }
}

extension Digest256 {
    /// The words as they lie in memory in the order of SHA-256's bytes.
    fileprivate var bigEndianWords: (UInt64, UInt64, UInt64, UInt64) { (a.bigEndian, b.bigEndian, c.bigEndian, d.bigEndian) }
}
