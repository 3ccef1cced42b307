/// The texts of the account table: what may stand in it, and how they are compared.
public enum AccountText {
    /// Bytes of an account's name.
    public static let nameLimit = 128
    /// Bytes of an e-mail address (RFC 5321, 4.5.3.1.3), of a mobile number, and of a display name.
    public static let emailLimit = 254, mobileLimit = 32, displayNameLimit = 512

    /// Whether `text` can be an account's name: 1–128 bytes of visible ASCII and Chinese characters. Other letters can be written in several ways
    /// that look alike or fold to one another, and a name is a key.
    public static func isName(_ text: String) -> Bool {
        (1...nameLimit).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { (0x21...0x7E).contains($0.value) || $0.properties.isUnifiedIdeograph }
    }

    /// Whether `text` may stand for a display name: without control characters, and without those that change the direction of what follows.
    public static func isDisplayName(_ text: String) -> Bool {
        text.utf8.count <= displayNameLimit
            && text.unicodeScalars.allSatisfy { scalar in
                switch scalar.value {
                case 0...0x1F, 0x7F...0x9F, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: false
                default: true
                }
            }
    }

    /// What e-mail addresses are compared by: ASCII letters in lower case, everything else as it is. Nil where it is no address that could be anybody's
    /// own: not exactly one `@` with something on both sides, or anything but visible ASCII. (Other letters fold to ASCII ones: `K` is not `k`.)
    public static func emailKey(_ text: String) -> String? {
        guard text.utf8.count <= emailLimit, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        return text.lowercased()
    }

    /// What mobile numbers are compared by: `+` and digits for a number with another country's code, the 11 digits alone for one of mainland China,
    /// with or without `+86`. Blanks, dots, hyphens and brackets do not count. Nil where it is no number (5–20 digits).
    public static func mobileKey(_ text: String) -> String? {
        guard text.utf8.count <= mobileLimit else { return nil }
        var digits = String(decoding: text.utf8.filter { !" -.()".utf8.contains($0) }, as: UTF8.self)
        let isForeign = digits.hasPrefix("+") || digits.hasPrefix("00")
        if isForeign { digits = String(digits.dropFirst(digits.hasPrefix("+") ? 1 : 2)) }
        guard (5...20).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        if digits.hasPrefix("86"), isMainland(digits.dropFirst(2)) { return String(digits.dropFirst(2)) }
        return isForeign ? "+" + digits : digits
    }

    /// 11 digits that begin with 1.
    private static func isMainland(_ digits: Substring) -> Bool { digits.utf8.count == 11 && digits.hasPrefix("1") }
}
