import COpenSSL

/// A private key for assertions, as a value that any thread may hold. What signs is a `Signer`.
public struct SigningKey: Sendable {
    /// PKCS#8, unencrypted PEM.
    public let pem: String
    public let publicKey: PublicKey
    /// RFC 7638 thumbprint of the public key: SHA-256, 43 characters base64url.
    public var kid: String { publicKey.kid }
    public var algorithm: SigningAlgorithm { publicKey.algorithm }

    /// Draws a new key. For RS256 that takes some tenths of a second.
    public static func generate(_ algorithm: SigningAlgorithm = .es256) throws(CryptoFailure) -> SigningKey {
        guard let key = PrivateKeyHandle.generate(algorithm), let pem = key.pem, let made = SigningKey(pem: pem, key) else {
            throw CryptoFailure("generate \(algorithm.rawValue) key")
        }
        return made
    }

    /// Reads `PRIVATE KEY` PEM (PKCS#8, not encrypted).
    public init(pem: String) throws(Fault) {
        guard pem.utf8.count <= 16384, pem.contains("-----BEGIN PRIVATE KEY-----"), let key = PrivateKeyHandle(pem: pem) else { throw .notAKey }
        guard key.algorithm != nil else { throw .otherAlgorithm }
        guard key.isConsistent, let made = SigningKey(pem: pem, key) else { throw .broken }
        self = made
    }

    private init?(pem: String, _ key: PrivateKeyHandle) {
        guard let publicKey = key.publicKey else { return nil }
        self.pem = pem
        self.publicKey = publicKey
    }

    /// Why a file's text is not taken as a key.
    public enum Fault: Error, Equatable, Sendable {
        /// No unencrypted PKCS#8 PEM.
        case notAKey
        /// A private key, but for none of the algorithms: another curve, an RSA modulus that is too short or too long.
        case otherAlgorithm
        /// Its private and public halves do not belong together.
        case broken
    }
}

extension SigningKey: CustomStringConvertible, CustomReflectable {
    /// Says nothing of the private half, wherever it is printed.
    public var description: String { "SigningKey(\(kid))" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Owns the library's private key.
@safe final class PrivateKeyHandle {
    let key: OpaquePointer

    private init(_ key: OpaquePointer) { unsafe self.key = unsafe key }
    deinit { unsafe EVP_PKEY_free(key) }

    static func generate(_ algorithm: SigningAlgorithm) -> PrivateKeyHandle? {
        let name =
            switch algorithm {
            case .es256: "EC"
            case .edDSA: "ED25519"
            case .rs256: "RSA"
            }
        guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, name, nil) else { return nil }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        guard unsafe EVP_PKEY_keygen_init(context) == 1 else { return nil }
        switch algorithm {
        case .es256: guard unsafe EVP_PKEY_CTX_set_group_name(context, "P-256") == 1 else { return nil }
        case .edDSA: break
        case .rs256: guard unsafe EVP_PKEY_CTX_set_rsa_keygen_bits(context, Int32(SigningAlgorithm.rsaBits)) == 1 else { return nil }
        }
        var key: OpaquePointer?
        guard unsafe EVP_PKEY_generate(context, &key) == 1, let key = unsafe key else { return nil }
        return unsafe PrivateKeyHandle(key)
    }

    init?(pem: String) {
        var text = Array(pem.utf8)
        defer { unsafe OPENSSL_cleanse(&text, text.count) }
        guard let bio = unsafe BIO_new_mem_buf(text, Int32(text.count)) else { return nil }
        defer { unsafe BIO_free(bio) }
        // The callback refuses: without one the library would ask for a pass phrase on the terminal.
        let key = unsafe PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil)
        ERR_clear_error()
        guard let key = unsafe key else { return nil }
        unsafe self.key = unsafe key
    }

    var pem: String? {
        guard let bio = unsafe BIO_new(BIO_s_secmem()) else { return nil }
        defer { unsafe BIO_free(bio) }
        guard unsafe PEM_write_bio_PKCS8PrivateKey(bio, key, nil, nil, 0, nil, nil) == 1 else { return nil }
        var text = [UInt8](repeating: 0, count: 8192)
        defer { unsafe OPENSSL_cleanse(&text, text.count) }
        let count = unsafe BIO_read(bio, &text, Int32(text.count))
        guard count > 0, count < text.count else { return nil }
        return String(decoding: text.prefix(Int(count)), as: UTF8.self)
    }

    /// What the key is good for; nil where it is none of ours.
    var algorithm: SigningAlgorithm? {
        if unsafe menwei_EVP_PKEY_is_a(key, "ED25519") == 1 { return .edDSA }
        if unsafe menwei_EVP_PKEY_is_a(key, "RSA") == 1 { return SigningAlgorithm.rsaRange.contains(unsafe Int(EVP_PKEY_get_bits(key))) ? .rs256 : nil }
        return isP256 ? .es256 : nil
    }

    private var isP256: Bool {
        guard unsafe menwei_EVP_PKEY_is_a(key, "EC") == 1 else { return false }
        var name = [CChar](repeating: 0, count: 64)
        var length = 0
        guard unsafe EVP_PKEY_get_group_name(key, &name, name.count, &length) == 1 else { return false }
        let text = String(decoding: name.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text == "prime256v1" || text == "P-256"
    }

    var isConsistent: Bool {
        guard let context = unsafe EVP_PKEY_CTX_new_from_pkey(nil, key, nil) else { return false }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        let good = unsafe EVP_PKEY_check(context) == 1
        ERR_clear_error()
        return good
    }

    var publicKey: PublicKey? {
        switch algorithm {
        case .es256:
            guard let x = number(OSSL_PKEY_PARAM_EC_PUB_X, bytes: 32), let y = number(OSSL_PKEY_PARAM_EC_PUB_Y, bytes: 32) else { return nil }
            return PublicKey(.p256(x: x, y: y))
        case .edDSA:
            var x = [UInt8](repeating: 0, count: 32)
            var count = x.count
            guard unsafe EVP_PKEY_get_raw_public_key(key, &x, &count) == 1, count == x.count else { return nil }
            return PublicKey(.ed25519(x))
        case .rs256:
            guard let n = number(OSSL_PKEY_PARAM_RSA_N), let e = number(OSSL_PKEY_PARAM_RSA_E) else { return nil }
            return PublicKey(.rsa(n: n, e: e))
        case nil: return nil
        }
    }

    /// - Parameter bytes: how many are wanted; nil: as many as it has.
    private func number(_ name: String, bytes: Int? = nil) -> [UInt8]? {
        var number: OpaquePointer?
        guard unsafe EVP_PKEY_get_bn_param(key, name, &number) == 1, let number = unsafe number else { return nil }
        defer { unsafe BN_free(number) }
        let count = unsafe bytes ?? Int(BN_num_bits(number) + 7) / 8
        var out = [UInt8](repeating: 0, count: count)
        return unsafe BN_bn2binpad(number, &out, Int32(count)) == Int32(count) ? out : nil
    }
}
