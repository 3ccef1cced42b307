import COpenSSL

/// A private key for ES256 (RFC 7518 section 3.4: ECDSA on P-256 with SHA-256), as a value that any thread may hold. What signs is a `Signer`.
public struct SigningKey: Sendable {
    /// PKCS#8, unencrypted PEM.
    public let pem: String
    public let publicKey: PublicKey
    /// RFC 7638 thumbprint of the public key: SHA-256, 43 characters base64url.
    public var kid: String { publicKey.kid }

    /// Draws a new key.
    public static func generate() throws(CryptoFailure) -> SigningKey {
        guard let key = PrivateKeyHandle.generate(), let pem = key.pem, let made = SigningKey(pem: pem, key) else {
            throw CryptoFailure("generate ES256 key")
        }
        return made
    }

    /// Reads `PRIVATE KEY` PEM (PKCS#8, not encrypted).
    public init(pem: String) throws(Fault) {
        guard pem.utf8.count <= 16384, pem.contains("-----BEGIN PRIVATE KEY-----"), let key = PrivateKeyHandle(pem: pem) else { throw .notAKey }
        guard key.isP256 else { throw .otherAlgorithm }
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
        /// A private key, but not one on P-256.
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

    static func generate() -> PrivateKeyHandle? {
        guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, "EC", nil) else { return nil }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard unsafe EVP_PKEY_keygen_init(context) == 1, unsafe EVP_PKEY_CTX_set_group_name(context, "P-256") == 1,
            unsafe EVP_PKEY_generate(context, &key) == 1, let key = unsafe key
        else { return nil }
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
        var text = [UInt8](repeating: 0, count: 1024)
        let count = unsafe BIO_read(bio, &text, Int32(text.count))
        guard count > 0, count < text.count else { return nil }
        return String(decoding: text.prefix(Int(count)), as: UTF8.self)
    }

    var isP256: Bool {
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
        guard let x = coordinate(OSSL_PKEY_PARAM_EC_PUB_X), let y = coordinate(OSSL_PKEY_PARAM_EC_PUB_Y) else { return nil }
        return PublicKey(x: x, y: y)
    }

    private func coordinate(_ name: String) -> [UInt8]? {
        var number: OpaquePointer?
        guard unsafe EVP_PKEY_get_bn_param(key, name, &number) == 1, let number = unsafe number else { return nil }
        defer { unsafe BN_free(number) }
        var out = [UInt8](repeating: 0, count: 32)
        return unsafe BN_bn2binpad(number, &out, 32) == 32 ? out : nil
    }
}
