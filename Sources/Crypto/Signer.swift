import COpenSSL

/// Signs with one key. Keeps the library's contexts, so that a signature costs its arithmetic and little else: ES256 about 15 µs, EdDSA 25, RS256 200 to 600.
/// One per worker; not to be shared.
@safe public final class Signer {
    public let kid: String
    public let algorithm: SigningAlgorithm
    private let key: PrivateKeyHandle
    /// Signs a digest, for ES256 and RS256.
    private let context: OpaquePointer
    /// Signs a message, for EdDSA, which has no digest of its own.
    private let messages: OpaquePointer
    private let hasher = Hasher256()
    /// Room for the library's form of a signature: of ECDSA at most 72 bytes, of RSA as many as the modulus.
    private var room: [UInt8]

    public init(_ signingKey: SigningKey) throws(CryptoFailure) {
        guard let key = PrivateKeyHandle(pem: signingKey.pem), let made = unsafe EVP_PKEY_CTX_new_from_pkey(nil, key.key, nil) else {
            throw CryptoFailure("load \(signingKey.algorithm.rawValue) key")
        }
        guard let messages = unsafe EVP_MD_CTX_new() else {
            unsafe EVP_PKEY_CTX_free(made)
            throw CryptoFailure("prepare \(signingKey.algorithm.rawValue)")
        }
        self.key = key
        kid = signingKey.kid
        algorithm = signingKey.algorithm
        unsafe context = unsafe made
        unsafe self.messages = unsafe messages
        room = [UInt8](repeating: 0, count: max(80, unsafe Int(EVP_PKEY_get_size(key.key))))
        let isReady =
            switch algorithm {
            case .es256: unsafe EVP_PKEY_sign_init(made) == 1
            case .edDSA: true
            case .rs256:
                unsafe EVP_PKEY_sign_init(made) == 1 && EVP_PKEY_CTX_set_rsa_padding(made, RSA_PKCS1_PADDING) == 1
                    && EVP_PKEY_CTX_set_signature_md(made, EVP_sha256()) == 1
            }
        guard isReady else { throw CryptoFailure("prepare \(algorithm.rawValue)") }
    }

    deinit {
        unsafe EVP_PKEY_CTX_free(context)
        unsafe EVP_MD_CTX_free(messages)
    }

    /// How many bytes a signature has, in JWS's form.
    public var length: Int { algorithm == .rs256 ? room.count : 64 }

    /// Appends the signature over `message` to `out`, in JWS's form (RFC 7518 sections 3.3 and 3.4, RFC 8037 section 3.1), which is also RFC 9421's.
    public func sign(_ message: Span<UInt8>, into out: inout [UInt8]) throws(CryptoFailure) {
        var length = room.count
        let good = algorithm == .edDSA ? signMessage(message, &length) : signDigest(message, &length)
        let written = room
        guard good, length <= written.count else { throw failure() }
        switch algorithm {
        case .es256: guard ECDSASignature.appendRaw(fromDER: written.span.extracting(0..<length), to: &out) else { throw failure() }
        case .edDSA, .rs256: out.append(contentsOf: written[..<length])
        }
    }

    private func signDigest(_ message: Span<UInt8>, _ length: inout Int) -> Bool {
        var digest = hasher.hash(message).bigEndianWords
        return unsafe withUnsafeBytes(of: &digest) { input in
            unsafe EVP_PKEY_sign(context, &room, &length, input.baseAddress?.assumingMemoryBound(to: UInt8.self), input.count) == 1
        }
    }

    private func signMessage(_ message: Span<UInt8>, _ length: inout Int) -> Bool {
        unsafe message.withUnsafeBufferPointer { input in
            unsafe EVP_DigestSignInit_ex(messages, nil, nil, nil, nil, key.key, nil) == 1
                && EVP_DigestSign(messages, &room, &length, input.baseAddress, input.count) == 1
        }
    }

    private func failure() -> CryptoFailure {
        ERR_clear_error()
        return CryptoFailure("sign \(algorithm.rawValue)")
    }

    /// The signature over `message`.
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
