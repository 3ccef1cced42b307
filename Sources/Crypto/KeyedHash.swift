import COpenSSL

extension SealingKey {
    /// HMAC-SHA-256 (RFC 2104) of `text`: what stands for it in a place where it must be found again, and where a plain hash could be guessed. Only
    /// who has the key can make it. `context` says what it is for: hashes of one context are never those of another.
    public func hash(_ text: String, context: String) throws(CryptoFailure) -> Digest256 {
        // A key of its own for each context, so that nothing depends on how context and text meet.
        let key = try Self.mac(bytes, Array(("menwei keyed hash " + context).utf8))
        guard let digest = Digest256(try Self.mac(key, Array(text.utf8))) else { throw CryptoFailure("HMAC") }
        return digest
    }

    private static func mac(_ key: [UInt8], _ data: [UInt8]) throws(CryptoFailure) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: 32)
        var length = 0
        let made = unsafe EVP_Q_mac(nil, "HMAC", nil, "SHA256", nil, key, key.count, data, data.count, &out, out.count, &length)
        guard unsafe made != nil, length == out.count else { throw CryptoFailure("HMAC") }
        return out
    }
}
