/// Percent-encoding (RFC 3986 section 2.1).
public enum Percent {
    /// Everything but the unreserved characters `A–Z a–z 0–9 - . _ ~` becomes `%XX` of its UTF-8, in upper case: safe in a query value,
    /// a path segment and a header.
    public static func encodeQueryValue(_ text: String) -> String { encode(text.utf8, keeping: isUnreserved) }

    public static func encode(_ bytes: some Sequence<UInt8>, keeping: (UInt8) -> Bool) -> String {
        var text: [UInt8] = []
        for byte in bytes {
            if keeping(byte) {
                text.append(byte)
            } else {
                text.append(UInt8(ascii: "%"))
                text.append(upperDigit(byte >> 4))
                text.append(upperDigit(byte & 15))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Decodes once. `nil` where a `%` is not followed by two hexadecimal digits. `+` stays.
    public static func decode(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var at = bytes.startIndex
        while at < bytes.endIndex {
            if bytes[at] == UInt8(ascii: "%") {
                guard bytes.endIndex - at > 2, let high = Hex.value(bytes[at + 1]), let low = Hex.value(bytes[at + 2]) else { return nil }
                decoded.append(high << 4 | low)
                at += 3
            } else {
                decoded.append(bytes[at])
                at += 1
            }
        }
        return decoded
    }

    /// RFC 3986 section 2.3
    public static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x41...0x5A, 0x61...0x7A, 0x30...0x39, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        default: false
        }
    }

    static func upperDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + value }
}
