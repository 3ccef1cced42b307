import Crypto

extension IdentityHeader {
    /// Appends the header's value for `member` to `out`; false, and nothing appended, where all its placeholders are empty: then it is not
    /// sent. A template without placeholders is always sent (to members).
    /// - Parameter plainNames: the member's connection is the one with `plain_names`: departments and tags go without `ID/`.
    public func render(_ member: Member, plainNames: Bool, into out: inout [UInt8]) -> Bool {
        Self.render(parts, member, plainNames: plainNames, into: &out)
    }

    static func render(_ parts: [Part], _ member: Member, plainNames: Bool, into out: inout [UInt8]) -> Bool {
        let start = out.count
        var hasPlaceholder = false
        var hasText = false
        for part in parts {
            switch part {
            case .literal(let text): out.append(contentsOf: text.utf8)
            case .placeholder(let placeholder, let encoding):
                hasPlaceholder = true
                let text = member.text(of: placeholder, plainNames: plainNames)
                if text.isEmpty { continue }
                hasText = true
                append(text, encoding, to: &out)
            }
        }
        if hasPlaceholder && !hasText {
            out.removeLast(out.count - start)
            return false
        }
        return true
    }

    private static func append(_ text: String, _ encoding: Encoding, to out: inout [UInt8]) {
        switch encoding {
        case .percent:
            for byte in text.utf8 {
                if byte >= 0x21, byte <= 0x7E, byte != 0x25 { out.append(byte) } else { appendEscape(byte, to: &out) }
            }
        case .base64: appendBase64(Array(text.utf8).span, to: &out)
        case .userID:
            for byte in text.utf8 {
                if byte < 0x20 || byte == 0x7F || byte == 0x3A || byte == 0x25 { appendEscape(byte, to: &out) } else { out.append(byte) }
            }
        case .raw:
            // Controls of both ranges: C1 ones are two bytes in UTF-8 and become one blank.
            for scalar in text.unicodeScalars {
                if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) {
                    out.append(0x20)
                } else {
                    out.append(contentsOf: String(scalar).utf8)
                }
            }
        }
    }

    private static func appendEscape(_ byte: UInt8, to out: inout [UInt8]) {
        out.append(0x25)
        out.append(upperHex(byte >> 4))
        out.append(upperHex(byte & 15))
    }

    private static func upperHex(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x41 + value - 10 }
}

extension IdentityHeader {
    /// A list of a plain header is cut to that many bytes, at the border of an item: many applications take heads of 8 KiB and no more.
    static let listLimit = 2048

    /// The first items that fit, with commas between them.
    static func fitting(_ items: [String]) -> ArraySlice<String> {
        var length = -1
        return items.prefix { item in
            length += item.utf8.count + 1
            return length <= listLimit
        }
    }
}

extension Member {
    /// The text that stands for a placeholder; empty where it is not known.
    func text(of placeholder: IdentityHeader.Placeholder, plainNames: Bool) -> String {
        let prefix = plainNames ? "" : connection + "/"
        func list(_ ids: [Int], _ kind: String) -> [String] { ids.map { kind + prefix + String($0) } }
        func joined(_ items: [String]) -> String { IdentityHeader.fitting(items).joined(separator: ",") }
        switch placeholder {
        case .account: return account
        case .id: return user
        case .name: return AssertionClaims.cut(name)
        case .email: return email
        case .mobile: return mobile
        case .departments: return joined(list(departments, ""))
        case .tags: return joined(list(tags, ""))
        case .groups: return joined(list(departments, "department:") + list(tags, "tag:"))
        case .connection: return connection
        case .corp: return corp
        }
    }
}
