/// The pairs of a query or of a form body (application/x-www-form-urlencoded), in order. The simulator reads and writes these by itself: it is
/// there to check the gateway's own reading and writing.
public struct Form: Sendable {
    public var pairs: [(name: String, value: String)]

    /// What cannot be decoded stands as it came; bytes that are not UTF-8 are replaced.
    public init(_ raw: String) {
        pairs = raw.utf8.split(separator: UInt8(ascii: "&")).map { pair in
            guard let mark = pair.firstIndex(of: UInt8(ascii: "=")) else { return (Self.decode(pair), "") }
            return (Self.decode(pair[..<mark]), Self.decode(pair[pair.index(after: mark)...]))
        }
    }

    /// The first value of that name.
    public subscript(_ name: String) -> String? { pairs.first { $0.name == name }?.value }

    /// The same form without what the simulator itself added (`sim_…`), and with `name=value` at its end.
    func adding(_ name: String, _ value: String) -> String {
        (pairs.filter { !$0.name.hasPrefix("sim_") } + [(name, value)])
            .map { Self.encode($0.name) + "=" + Self.encode($0.value) }.joined(separator: "&")
    }

    /// Percent-encodes all but the unreserved characters of RFC 3986.
    static func encode(_ text: String) -> String {
        let hex = Array("0123456789ABCDEF".utf8)
        var out: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                out.append(byte)
            default: out += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Percent-decodes; with `plus` a plus sign is a blank, as forms write it.
    static func decode(_ text: Substring.UTF8View, plus: Bool = true) -> String {
        let bytes = Array(text)
        var out: [UInt8] = []
        var at = 0
        while at < bytes.count {
            if bytes[at] == UInt8(ascii: "%"), at + 2 < bytes.count, let high = digit(bytes[at + 1]), let low = digit(bytes[at + 2]) {
                out.append(high << 4 | low)
                at += 3
            } else {
                out.append(plus && bytes[at] == UInt8(ascii: "+") ? UInt8(ascii: " ") : bytes[at])
                at += 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
