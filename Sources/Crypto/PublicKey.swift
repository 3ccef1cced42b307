import Bytes
import COpenSSL

/// A public key of one of the `SigningAlgorithm`s, as it stands in a JWK set.
public struct PublicKey: Equatable, Sendable {
    /// Numbers are big-endian.
    public enum Numbers: Equatable, Sendable {
        /// A point on P-256, 32 bytes each.
        case p256(x: [UInt8], y: [UInt8])
        /// A point of Ed25519 as RFC 8032 writes it, 32 bytes.
        case ed25519([UInt8])
        /// Modulus and exponent, without zeros before them.
        case rsa(n: [UInt8], e: [UInt8])
    }

    public let numbers: Numbers
    /// RFC 7638 thumbprint: SHA-256 of the required members in lexical order, 43 characters base64url.
    public let kid: String

    /// Nil where the numbers are no key: of another length, off the curve, an RSA modulus that is too short or too long.
    public init?(_ numbers: Numbers) {
        guard let handle = PublicKeyHandle(numbers), handle.isInRange else { return nil }
        self.numbers = numbers
        kid = Base64URL.encode(Digest.sha256(Self.required(numbers)).bytes)
    }

    /// Reads the members of a JWK (RFC 7517, RFC 7518 section 6, RFC 8037 section 2); `member` gives the text of one. Nil for other kinds of keys.
    public init?(jwk member: (String) -> String?) {
        func number(_ name: String) -> [UInt8]? { member(name).flatMap(Base64URL.decode) }
        switch (member("kty"), member("crv")) {
        case ("EC", "P-256"):
            guard let x = number("x"), let y = number("y") else { return nil }
            self.init(.p256(x: x, y: y))
        case ("OKP", "Ed25519"):
            guard let x = number("x") else { return nil }
            self.init(.ed25519(x))
        case ("RSA", _):
            guard let n = number("n"), let e = number("e") else { return nil }
            self.init(.rsa(n: n, e: e))
        default: return nil
        }
    }

    public var algorithm: SigningAlgorithm {
        switch numbers {
        case .p256: .es256
        case .ed25519: .edDSA
        case .rsa: .rs256
        }
    }

    /// The key as a JSON object (RFC 7517), with `use`, `alg` and `kid`.
    public var jwk: String {
        Self.required(numbers).dropLast() + ",\"use\":\"sig\",\"alg\":\"\(algorithm.rawValue)\",\"kid\":\"\(kid)\"}"
    }

    /// What the thumbprint is of: the members that a JWK of that kind must have, in lexical order.
    static func required(_ numbers: Numbers) -> String {
        switch numbers {
        case .p256(let x, let y): "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"\(Base64URL.encode(x))\",\"y\":\"\(Base64URL.encode(y))\"}"
        case .ed25519(let x): "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"\(Base64URL.encode(x))\"}"
        case .rsa(let n, let e): "{\"e\":\"\(Base64URL.encode(e))\",\"kty\":\"RSA\",\"n\":\"\(Base64URL.encode(n))\"}"
        }
    }

    /// Whether `signature`, in the form that JWS has it, is this key's over `message`.
    public func verify(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        guard let key = PublicKeyHandle(numbers) else { return false }
        switch numbers {
        case .p256: return ECDSASignature.der(fromRaw: signature).map { key.verify($0, of: message, digest: "SHA256") } ?? false
        case .ed25519: return key.verify(signature, of: message, digest: nil)
        case .rsa: return key.verify(signature, of: message, digest: "SHA256")
        }
    }
}

/// Owns the library's public key.
@safe private final class PublicKeyHandle {
    private let key: OpaquePointer

    init?(_ numbers: PublicKey.Numbers) {
        guard let info = Self.info(numbers) else { return nil }
        let key = unsafe info.withUnsafeBufferPointer { buffer in
            var at = buffer.baseAddress
            return unsafe d2i_PUBKEY(nil, &at, buffer.count)
        }
        ERR_clear_error()
        guard let key = unsafe key else { return nil }
        unsafe self.key = unsafe key
    }

    deinit { unsafe EVP_PKEY_free(key) }

    /// SubjectPublicKeyInfo (RFC 5280 section 4.1; the object identifiers are of RFC 5480, RFC 8410 and RFC 8017).
    private static func info(_ numbers: PublicKey.Numbers) -> [UInt8]? {
        let algorithm: [UInt8]
        let key: [UInt8]
        switch numbers {
        case .p256(let x, let y):
            guard x.count == 32, y.count == 32 else { return nil }
            algorithm = [0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07]
            key = [0x04] + x + y
        case .ed25519(let x):
            guard x.count == 32 else { return nil }
            algorithm = [0x06, 0x03, 0x2B, 0x65, 0x70]
            key = x
        case .rsa(let n, let e):
            guard let first = n.first, first != 0, n.count <= 1024, let last = e.last, last & 1 == 1, e[0] != 0, e.count <= 4 else { return nil }
            algorithm = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00]
            key = DER.sequence(DER.integer(n) + DER.integer(e))
        }
        return DER.sequence(DER.sequence(algorithm) + DER.bits(key))
    }

    /// Of RSA keys: neither too short to be safe nor too long to be quick.
    var isInRange: Bool {
        unsafe menwei_EVP_PKEY_is_a(key, "RSA") != 1 || SigningAlgorithm.rsaRange.contains(Int(EVP_PKEY_get_bits(key)))
    }

    func verify(_ signature: [UInt8], of message: [UInt8], digest: String?) -> Bool {
        guard let context = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(context) }
        let good =
            unsafe EVP_DigestVerifyInit_ex(context, nil, digest, nil, nil, key, nil) == 1
            && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
        ERR_clear_error()
        return good
    }
}
