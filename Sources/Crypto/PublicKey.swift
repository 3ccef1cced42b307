import Bytes
import COpenSSL

/// A public key for ES256: a point on P-256.
public struct PublicKey: Equatable, Sendable {
    /// 32 bytes each, big-endian.
    public let x: [UInt8], y: [UInt8]

    /// Nil unless `x` and `y` are 32 bytes each and a point on the curve.
    public init?(x: [UInt8], y: [UInt8]) {
        guard x.count == 32, y.count == 32 else { return nil }
        (self.x, self.y) = (x, y)
        guard PublicKeyHandle(self) != nil else { return nil }
    }

    /// RFC 7638 thumbprint: SHA-256 of the required members in lexical order, base64url.
    public var kid: String {
        Base64URL.encode(Digest.sha256("{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"\(encodedX)\",\"y\":\"\(encodedY)\"}").bytes)
    }

    /// The key as a JSON object (RFC 7517), with `use`, `alg` and `kid`.
    public var jwk: String {
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"\(encodedX)\",\"y\":\"\(encodedY)\",\"use\":\"sig\",\"alg\":\"ES256\",\"kid\":\"\(kid)\"}"
    }

    private var encodedX: String { Base64URL.encode(x) }
    private var encodedY: String { Base64URL.encode(y) }

    /// Whether `signature` (r ‖ s, 64 bytes) is this key's over `message`.
    public func verify(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        guard let der = ECDSASignature.der(fromRaw: signature), let key = PublicKeyHandle(self) else { return false }
        return key.verify(der, of: message)
    }
}

/// Owns the library's public key.
@safe private final class PublicKeyHandle {
    private let key: OpaquePointer
    /// SubjectPublicKeyInfo (RFC 5480) of an uncompressed P-256 point, up to the point.
    private static let prefix: [UInt8] = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07,
        0x03, 0x42, 0x00, 0x04,
    ]

    init?(_ value: PublicKey) {
        let info = Self.prefix + value.x + value.y
        let key = unsafe info.withUnsafeBufferPointer { buffer in
            var at = buffer.baseAddress
            return unsafe d2i_PUBKEY(nil, &at, buffer.count)
        }
        ERR_clear_error()
        guard let key = unsafe key else { return nil }
        unsafe self.key = unsafe key
    }

    deinit { unsafe EVP_PKEY_free(key) }

    func verify(_ der: [UInt8], of message: [UInt8]) -> Bool {
        guard let context = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(context) }
        let good =
            unsafe EVP_DigestVerifyInit_ex(context, nil, "SHA256", nil, nil, key, nil) == 1
            && EVP_DigestVerify(context, der, der.count, message, message.count) == 1
        ERR_clear_error()
        return good
    }
}
