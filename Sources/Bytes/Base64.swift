/// Base 64 with `+` and `/`, padded (RFC 4648 section 4).
public enum Base64 {
    public static func encode(_ bytes: [UInt8]) -> String { Alphabet.standard.encode(bytes, padded: true) }
    /// Strict: padding present, no other character, unused bits zero.
    public static func decode(_ text: String) -> [UInt8]? { Alphabet.standard.decode(text, padded: true) }
    /// The same without padding and whatever the unused bits: for keys that somebody made of random characters, as WeCom's EncodingAESKey.
    public static func decodeKey(_ text: String) -> [UInt8]? { Alphabet.standard.decode(text, padded: false, sparesCount: false) }
}

/// Base 64 with `-` and `_`, without padding (RFC 4648 section 5, as JOSE uses it).
public enum Base64URL {
    public static func encode(_ bytes: [UInt8]) -> String { Alphabet.url.encode(bytes, padded: false) }
    /// Strict: no padding, no other character, unused bits zero, so that one value has one spelling.
    public static func decode(_ text: String) -> [UInt8]? { Alphabet.url.decode(text, padded: false) }
}

struct Alphabet {
    var sixtyTwo: UInt8
    var sixtyThree: UInt8

    static let standard = Alphabet(sixtyTwo: UInt8(ascii: "+"), sixtyThree: UInt8(ascii: "/"))
    static let url = Alphabet(sixtyTwo: UInt8(ascii: "-"), sixtyThree: UInt8(ascii: "_"))

    func character(_ value: UInt8) -> UInt8 {
        switch value & 63 {
        case 0..<26: 0x41 + (value & 63)
        case 26..<52: 0x61 + (value & 63) - 26
        case 52..<62: 0x30 + (value & 63) - 52
        case 62: sixtyTwo
        default: sixtyThree
        }
    }

    func value(_ character: UInt8) -> UInt8? {
        switch character {
        case 0x41...0x5A: character - 0x41
        case 0x61...0x7A: character - 0x61 + 26
        case 0x30...0x39: character - 0x30 + 52
        case sixtyTwo: 62
        case sixtyThree: 63
        default: nil
        }
    }

    func encode(_ bytes: [UInt8], padded: Bool) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for at in stride(from: 0, to: bytes.count, by: 3) {
            let some = min(3, bytes.count - at)
            let one = bytes[at]
            let two = some > 1 ? bytes[at + 1] : 0
            let three = some > 2 ? bytes[at + 2] : 0
            text.append(character(one >> 2))
            text.append(character(one << 4 | two >> 4))
            if some > 1 { text.append(character(two << 2 | three >> 6)) }
            if some > 2 { text.append(character(three)) }
            if padded { text.append(contentsOf: repeatElement(UInt8(ascii: "="), count: 3 - some)) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    func decode(_ text: String, padded: Bool, sparesCount: Bool = true) -> [UInt8]? {
        var digits = Array(text.utf8)
        if padded {
            guard digits.count % 4 == 0 else { return nil }
            for _ in 0..<2 where digits.last == UInt8(ascii: "=") { digits.removeLast() }
        }
        guard digits.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count * 3 / 4)
        var waiting: UInt32 = 0
        var bits: UInt32 = 0
        for digit in digits {
            guard let value = value(digit) else { return nil }
            waiting = waiting << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: waiting >> bits))
                waiting &= 1 << bits - 1
            }
        }
        return waiting == 0 || !sparesCount ? bytes : nil
    }
}
