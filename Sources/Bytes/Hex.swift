/// Base 16 (RFC 4648 section 8), lower case when written, either case when read.
public enum Hex {
    /// Two characters a byte.
    public static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            text.append(digit(byte >> 4))
            text.append(digit(byte & 15))
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// `nil` where the length is odd or a character is no hexadecimal digit.
    public static func decode(_ text: String) -> [UInt8]? {
        let text = Array(text.utf8)
        guard text.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2)
        for at in stride(from: 0, to: text.count, by: 2) {
            guard let high = value(text[at]), let low = value(text[at + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    /// The value 0…15 of a hexadecimal digit in either case.
    @inlinable public static func value(_ character: UInt8) -> UInt8? {
        if character &- 0x30 < 10 { return character &- 0x30 }
        let folded = character | 0x20
        return folded &- 0x61 < 6 ? folded &- 0x57 : nil
    }

    /// The lower-case digit of a value 0…15.
    @inlinable public static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 &+ value : 0x57 &+ value }
}
