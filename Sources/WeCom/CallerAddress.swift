/// The address in the message of error 60020 (`… from ip: 203.0.113.7, more info …`): the only thing ever read from a message,
/// because the administrator must enter it into WeCom's console.
enum CallerAddress {
    /// The first IP literal after `from ip:`; nil where there is none that is valid to the letter.
    static func find(in message: String) -> String? {
        let bytes = Array(message.utf8.prefix(1024))
        let mark = Array("from ip:".utf8)
        guard bytes.count > mark.count,
            let start = (0...(bytes.count - mark.count)).first(where: { bytes[$0..<($0 + mark.count)].elementsEqual(mark) })
        else { return nil }
        let literal = bytes[(start + mark.count)...].drop { $0 == UInt8(ascii: " ") }.prefix(while: isLiteralByte)
        guard literal.count <= 45 else { return nil }
        let text = String(decoding: literal, as: UTF8.self)
        return isIPv4(text) || isIPv6(text) ? text : nil
    }

    private static func isLiteralByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"),
            UInt8(ascii: "."), UInt8(ascii: ":"):
            true
        default: false
        }
    }

    /// RFC 3986, section 3.2.2: four decimal numbers 0–255 without leading zeros.
    private static func isIPv4(_ text: some StringProtocol) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                guard 1...3 ~= part.utf8.count, part.utf8.count == 1 || part.first != "0",
                    part.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 })
                else { return false }
                return UInt8(part) != nil
            }
    }

    /// RFC 4291, section 2.2: eight groups, `::` once for a run of zeros, an IPv4 tail for the last two.
    private static func isIPv6(_ text: String) -> Bool {
        var rest = Substring(text)
        var groups = 0
        var limit = 8
        if let lastColon = text.lastIndex(of: ":"), text[lastColon...].contains(".") {
            guard isIPv4(text[text.index(after: lastColon)...]) else { return false }
            // The tail stands for two groups; `::1.2.3.4` keeps both of its colons.
            rest = text[..<lastColon].hasSuffix(":") ? text[...lastColon] : text[..<lastColon]
            limit = 6
        }
        let runs = rest.split(separator: "::", omittingEmptySubsequences: false)
        guard 1...2 ~= runs.count else { return false }
        for run in runs where !run.isEmpty || runs.count == 1 {
            for group in run.split(separator: ":", omittingEmptySubsequences: false) {
                guard 1...4 ~= group.utf8.count, !group.contains(".") else { return false }
                groups += 1
            }
        }
        return runs.count == 2 ? groups < limit : groups == limit
    }
}
