/// JSON (RFC 8259) written straight into a byte array: a few texts and numbers, without a tree.
enum JSONText {
    /// Appends `text` as a JSON string. What JSON must escape is escaped, all else is UTF-8 as it is.
    static func append(_ text: String, to out: inout [UInt8]) {
        out.append(0x22)
        for byte in text.utf8 {
            switch byte {
            case 0x22, 0x5C:
                out.append(0x5C)
                out.append(byte)
            case 0..<0x20, 0x7F:
                out.append(contentsOf: [0x5C, 0x75, 0x30, 0x30, hex(byte >> 4), hex(byte & 15)])
            default: out.append(byte)
            }
        }
        out.append(0x22)
    }

    static func append(_ number: Int64, to out: inout [UInt8]) {
        if number < 0 { out.append(0x2D) }
        let start = out.count
        var rest = number.magnitude
        repeat {
            out.append(0x30 + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        out[start...].reverse()
    }

    private static func hex(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x61 + value - 10 }
}
