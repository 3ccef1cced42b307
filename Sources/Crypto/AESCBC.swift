internal import COpenSSL

/// AES-256-CBC without padding (NIST SP 800-38A section 6.2). It hides and proves nothing: whoever uses it checks a signature first. It is here for
/// WeCom's callbacks, which ask for it; what is our own is sealed with `SealingKey`.
public enum AESCBC {
    /// Bytes of a block, and of the initial vector.
    public static let block = 16

    /// The text behind `bytes`; nil unless they are whole blocks, `key` is 32 bytes and `vector` is 16.
    public static func decrypt(_ bytes: [UInt8], key: [UInt8], vector: [UInt8]) -> [UInt8]? { run(bytes, key, vector, sealing: false) }

    /// `bytes` hidden, as many as they were; nil unless they are whole blocks, `key` is 32 bytes and `vector` is 16.
    public static func encrypt(_ bytes: [UInt8], key: [UInt8], vector: [UInt8]) -> [UInt8]? { run(bytes, key, vector, sealing: true) }

    private static func run(_ bytes: [UInt8], _ key: [UInt8], _ vector: [UInt8], sealing: Bool) -> [UInt8]? {
        guard !bytes.isEmpty, bytes.count % block == 0, bytes.count <= 1 << 30, key.count == 32, vector.count == block,
            let context = unsafe EVP_CIPHER_CTX_new()
        else { return nil }
        defer { unsafe EVP_CIPHER_CTX_free(context) }
        var good = unsafe EVP_CipherInit_ex(context, EVP_aes_256_cbc(), nil, key, vector, sealing ? 1 : 0) == 1
        guard good, unsafe EVP_CIPHER_CTX_set_padding(context, 0) == 1 else { return nil }
        let out = unsafe [UInt8](unsafeUninitializedCapacity: bytes.count + block) { buffer, initialized in
            var length: Int32 = 0, rest: Int32 = 0
            good = unsafe EVP_CipherUpdate(context, buffer.baseAddress, &length, bytes, Int32(bytes.count)) == 1 && Int(length) == bytes.count
                && EVP_CipherFinal_ex(context, buffer.baseAddress?.advanced(by: Int(length)), &rest) == 1 && rest == 0
            initialized = good ? bytes.count : 0
        }
        // TLS on this thread reads the same error queue.
        if !good { ERR_clear_error() }
        return good ? out : nil
    }
}
