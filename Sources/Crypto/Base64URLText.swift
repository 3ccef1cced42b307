import Bytes

/// Base64url without padding (RFC 4648 section 5), appended to a byte array without a detour over text: for what is made per request.
public enum Base64URLText {
    private static let alphabet: [UInt8] = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// Appends the text of `bytes` to `out`.
    public static func append(_ bytes: Span<UInt8>, to out: inout [UInt8]) {
        let alphabet = alphabet
        var i = 0
        while i + 2 < bytes.count {
            let word = Int(bytes[i]) << 16 | Int(bytes[i + 1]) << 8 | Int(bytes[i + 2])
            out.append(alphabet[word >> 18])
            out.append(alphabet[word >> 12 & 63])
            out.append(alphabet[word >> 6 & 63])
            out.append(alphabet[word & 63])
            i += 3
        }
        if bytes.count - i == 1 {
            out.append(alphabet[Int(bytes[i]) >> 2])
            out.append(alphabet[Int(bytes[i]) << 4 & 63])
        } else if bytes.count - i == 2 {
            let word = Int(bytes[i]) << 16 | Int(bytes[i + 1]) << 8
            out.append(alphabet[word >> 18])
            out.append(alphabet[word >> 12 & 63])
            out.append(alphabet[word >> 6 & 63])
        }
    }

    /// The bytes that `text` stands for, as strictly as `Base64URL.decode`.
    public static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? { Base64URL.decode(String(decoding: text, as: UTF8.self)) }
}
