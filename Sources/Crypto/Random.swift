import Bytes
import COpenSSL

/// Random values from the library's generator, which the kernel seeds. Without entropy there is no value at all, never a weak one.
public enum Random {
    /// `count` random bytes (0…65536).
    public static func bytes(_ count: Int) throws(CryptoFailure) -> [UInt8] {
        guard (0...65536).contains(count) else { throw CryptoFailure("random: impossible count") }
        guard count > 0 else { return [] }
        var good = false
        let out = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            good = unsafe RAND_bytes(buffer.baseAddress, Int32(count)) == 1
            initialized = good ? count : 0
        }
        guard good else { throw CryptoFailure("random: no entropy") }
        return out
    }

    /// 256 random bits as 43 characters of base64url.
    public static func token() throws(CryptoFailure) -> String { Base64URL.encode(try bytes(32)) }

    /// 128 random bits as 22 characters of base64url: a session's public id, an assertion's `jti`.
    public static func identifier() throws(CryptoFailure) -> String { Base64URL.encode(try bytes(16)) }

    /// `count` random bytes as lower-case hex, two characters each.
    public static func hex(_ count: Int) throws(CryptoFailure) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: try bytes(count).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
