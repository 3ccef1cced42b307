internal import Bytes

/// JSON (RFC 8259) as the portal writes it: objects in the order in which their members were given.
indirect enum JSONText {
    case text(String)
    case number(Int)
    case flag(Bool)
    case list([JSONText])
    case object([(String, JSONText)])

    var bytes: [UInt8] {
        var out = ""
        write(into: &out)
        return Array(out.utf8)
    }

    private func write(into out: inout String) {
        switch self {
        case .text(let text): Self.quote(text, into: &out)
        case .number(let number): out += String(number)
        case .flag(let flag): out += flag ? "true" : "false"
        case .list(let items):
            out += "["
            for (index, item) in items.enumerated() {
                if index > 0 { out += "," }
                item.write(into: &out)
            }
            out += "]"
        case .object(let members):
            out += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { out += "," }
                Self.quote(member.0, into: &out)
                out += ":"
                member.1.write(into: &out)
            }
            out += "}"
        }
    }

    private static func quote(_ text: String, into out: inout String) {
        out += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            // `<` so that a browser that guesses types finds no markup; the two separators so that it is JavaScript as well.
            case "\u{0}"..."\u{1F}", "\u{7F}", "<", "\u{2028}", "\u{2029}":
                out += "\\u" + Hex.encode([UInt8(truncatingIfNeeded: scalar.value >> 8), UInt8(truncatingIfNeeded: scalar.value)])
            default: out.unicodeScalars.append(scalar)
            }
        }
        out += "\""
    }
}
