import COpenSSL

/// A key for AES-256-GCM (NIST SP 800-38D): what is sealed can be read and was made only by who has it.
///
/// Layout of a sealed value: 1 byte version (1), 12 bytes random nonce, the ciphertext, 16 bytes tag. With random 96-bit nonces one key
/// is good for 2^32 values, far beyond the logins of a gateway's life.
public struct SealingKey: Sendable {
    private let key: [UInt8]
    private static let version: UInt8 = 1
    private static let nonceLength = 12
    private static let tagLength = 16
    /// Bytes that sealing adds.
    public static let overhead = 1 + nonceLength + tagLength

    /// Nil unless `bytes` are exactly 32.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        key = bytes
    }

    /// A new random key.
    public static func generate() throws(CryptoFailure) -> SealingKey {
        guard let key = SealingKey(bytes: try Random.bytes(32)) else { throw CryptoFailure("sealing key") }
        return key
    }

    /// The key itself, for its file.
    var bytes: [UInt8] { key }

    /// Seals `plain`; `context` says what it is for and must be the same when it is opened.
    public func seal(_ plain: [UInt8], context: String) throws(CryptoFailure) -> [UInt8] {
        let nonce = try Random.bytes(Self.nonceLength)
        guard plain.count <= 1 << 30, let cipher = AESGCM(key: key, nonce: nonce, sealing: true), cipher.authenticate(Array(context.utf8)),
            let text = cipher.update(plain), cipher.finish(), let tag = cipher.tag(Self.tagLength)
        else { throw CryptoFailure("seal") }
        var out: [UInt8] = []
        out.reserveCapacity(plain.count + Self.overhead)
        out.append(Self.version)
        out += nonce
        out += text
        out += tag
        return out
    }

    /// What was sealed with this key for `context`; nil for anything else.
    public func open(_ sealed: [UInt8], context: String) -> [UInt8]? {
        guard sealed.count >= Self.overhead, sealed.count <= (1 << 30) + Self.overhead, sealed[0] == Self.version else { return nil }
        let nonce = Array(sealed[1..<1 + Self.nonceLength])
        let body = Array(sealed[(1 + Self.nonceLength)..<(sealed.count - Self.tagLength)])
        let tag = Array(sealed.suffix(Self.tagLength))
        guard let cipher = AESGCM(key: key, nonce: nonce, sealing: false), cipher.authenticate(Array(context.utf8)),
            let plain = cipher.update(body), cipher.expect(tag), cipher.finish()
        else {
            // TLS on this thread reads the same error queue.
            ERR_clear_error()
            return nil
        }
        return plain
    }
}

extension SealingKey: CustomStringConvertible, CustomReflectable {
    /// Says nothing of the key, wherever it is printed.
    public var description: String { "SealingKey" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// One run of the cipher; owns the library's context.
@safe private final class AESGCM {
    private let context: OpaquePointer

    init?(key: [UInt8], nonce: [UInt8], sealing: Bool) {
        guard let made = unsafe EVP_CIPHER_CTX_new() else { return nil }
        unsafe context = made
        guard nonce.count == 12, key.count == 32,
            unsafe EVP_CipherInit_ex(made, EVP_aes_256_gcm(), nil, key, nonce, sealing ? 1 : 0) == 1
        else { return nil }
    }

    deinit { unsafe EVP_CIPHER_CTX_free(context) }

    func authenticate(_ data: [UInt8]) -> Bool {
        guard !data.isEmpty else { return true }
        var length: Int32 = 0
        return unsafe EVP_CipherUpdate(context, nil, &length, data, Int32(data.count)) == 1
    }

    func update(_ data: [UInt8]) -> [UInt8]? {
        guard !data.isEmpty else { return [] }
        var good = false
        let out = unsafe [UInt8](unsafeUninitializedCapacity: data.count + 16) { buffer, initialized in
            var length: Int32 = 0
            good = unsafe EVP_CipherUpdate(context, buffer.baseAddress, &length, data, Int32(data.count)) == 1 && Int(length) == data.count
            initialized = good ? data.count : 0
        }
        return good ? out : nil
    }

    func expect(_ tag: [UInt8]) -> Bool {
        var tag = tag
        return unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), &tag) == 1
    }

    func finish() -> Bool {
        var rest = [UInt8](repeating: 0, count: 16)
        var length: Int32 = 0
        return unsafe EVP_CipherFinal_ex(context, &rest, &length) == 1 && length == 0
    }

    func tag(_ count: Int) -> [UInt8]? {
        var out = [UInt8](repeating: 0, count: count)
        return unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(count), &out) == 1 ? out : nil
    }
}
