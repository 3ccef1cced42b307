internal import Bytes
internal import Crypto

/// The pair that is entered in WeCom's console beside a callback's address: Token and EncodingAESKey (developer document 96238).
public struct CallbackKeys: Sendable, Equatable {
    let token: Hidden
    /// 32 bytes.
    let key: [UInt8]

    /// A token is 1 to 32 letters and digits.
    public static func isToken(_ text: String) -> Bool { (1...32).contains(text.utf8.count) && text.utf8.allSatisfy(isLetterOrDigit) }

    /// An EncodingAESKey is 43 letters and digits: base 64 of 32 bytes, its last character with spare bits that nobody set to zero.
    public static func isAESKey(_ text: String) -> Bool { text.utf8.count == 43 && text.utf8.allSatisfy(isLetterOrDigit) }

    /// Nil where one of them is not what WeCom takes.
    public init?(token: String, aesKey: String) {
        guard Self.isToken(token), Self.isAESKey(aesKey), let key = Base64.decodeKey(aesKey), key.count == 32 else { return nil }
        self.token = Hidden(token)
        self.key = key
    }

    /// Lower-case hex SHA-1 of token, timestamp, nonce and ciphertext, sorted by their bytes.
    func signature(timestamp: String, nonce: String, encrypted: String) -> String {
        let parts = [token.text, timestamp, nonce, encrypted].map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
        return Hex.encode(Digest.sha1(Array(parts.joined())))
    }

    /// What is in `encrypted` (base 64), if it was made with this key for `receiver`; nil for anything else, and never why. To be called only with
    /// what is signed: CBC alone proves nothing.
    ///
    /// Its layout: 16 random bytes, the message's length in 4 bytes, the message, the receiver's id; padded to blocks of 32 bytes, each pad byte being
    /// their number.
    func decrypt(_ encrypted: String, for receiver: String) -> [UInt8]? {
        guard let bytes = Base64.decode(encrypted), bytes.count % 32 == 0, let padded = AESCBC.decrypt(bytes, key: key, vector: Array(key.prefix(16))),
            let pad = padded.last, (1...32).contains(pad), padded.suffix(Int(pad)).allSatisfy({ $0 == pad })
        else { return nil }
        let plain = padded.dropLast(Int(pad))
        guard plain.count >= 20 else { return nil }
        let length = plain[16..<20].reduce(0) { $0 << 8 | Int($1) }
        guard length <= plain.count - 20, plain[(20 + length)...].elementsEqual(receiver.utf8) else { return nil }
        return Array(plain[20..<20 + length])
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }
}

extension CallbackKeys: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Says nothing of them, wherever they are printed.
    public var description: String { "CallbackKeys" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
