/// The few forms of DER (X.690 section 10) that keys and signatures need.
enum DER {
    /// `tag`, the length, `content` (less than 64 KiB).
    static func value(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let count = content.count
        if count < 0x80 { return [tag, UInt8(count)] + content }
        if count < 0x100 { return [tag, 0x81, UInt8(count)] + content }
        return [tag, 0x82, UInt8(truncatingIfNeeded: count >> 8), UInt8(truncatingIfNeeded: count)] + content
    }

    static func sequence(_ content: [UInt8]) -> [UInt8] { value(0x30, content) }

    /// The INTEGER of a number that is not negative, big-endian.
    static func integer(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var number = Array(bytes.drop { $0 == 0 })
        if number.isEmpty || number[0] >= 0x80 { number.insert(0, at: 0) }
        return value(0x02, number)
    }

    /// The BIT STRING of whole bytes.
    static func bits(_ bytes: [UInt8]) -> [UInt8] { value(0x03, [0] + bytes) }
}
