/// WeCom's user id (developer document 96255): 1–64 bytes of letters, digits and `_ - @ .`, the first a letter or digit; compared without regard to case.
/// A member of a linked corp comes as `CorpId/userid` (document 96442).
public enum UserID: Equatable, Sendable {
    /// A member of the corp itself, as WeCom wrote it.
    case own(String)
    /// A member of a linked corp.
    case linked(corp: String, user: String)

    /// nil where it is none of both.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard text.utf8.count <= 129, parts.count <= 2, parts.allSatisfy(Self.isPlain) else { return nil }
        let names = parts.map { String(decoding: $0, as: UTF8.self) }
        self = names.count == 1 ? .own(names[0]) : .linked(corp: names[0], user: names[1])
    }

    private static func isPlain(_ text: Substring.UTF8View.SubSequence) -> Bool {
        guard 1...64 ~= text.count, let first = text.first, isLetterOrDigit(first) else { return false }
        return text.allSatisfy { isLetterOrDigit($0) || "_-@.".utf8.contains($0) }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }
}
