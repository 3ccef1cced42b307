/// Why a rule's `path` is none.
public enum RulePatternFault: Error, Equatable, Sendable {
    /// It does not begin with `/`.
    case notAbsolute
    /// A `*` elsewhere than in `/*` at the end.
    case star
    /// `?`, `#`, `\` or a control character, as such or percent-encoded.
    case forbiddenCharacter
    /// A `%` without two hex digits.
    case malformedPercent
    /// A segment `.` or `..`.
    case dotSegment
    /// Longer than 2048 bytes.
    case tooLong
}

extension Rule.Path {
    /// Reads a configured pattern: `/admin` is that path alone, `/admin/*` is `/admin` and all below it, nil is every path. Percent-decoded
    /// once, a run of `/` made one, as the paths that it is compared with.
    public init(pattern: String?) throws(RulePatternFault) {
        guard let pattern else {
            self = .any
            return
        }
        let text = Array(pattern.utf8)
        guard text.count <= 2048 else { throw .tooLong }
        guard text.first == 0x2F else { throw .notAbsolute }
        let isUnder = text.count >= 2 && text[text.count - 1] == 0x2A && text[text.count - 2] == 0x2F
        let written = isUnder ? text.dropLast(2) : text[...]
        guard !written.contains(0x2A) else { throw .star }
        guard !written.contains(where: { $0 == 0x3F || $0 == 0x23 }) else { throw .forbiddenCharacter }
        var path: [UInt8] = []
        var at = written.startIndex
        while at < written.endIndex {
            var byte = written[at]
            if byte == 0x25 {
                guard at + 2 < written.endIndex, let high = hexDigit(written[at + 1]), let low = hexDigit(written[at + 2]) else {
                    throw .malformedPercent
                }
                byte = high << 4 | low
                at += 2
            }
            at += 1
            guard byte >= 0x20, byte != 0x7F, byte != 0x5C else { throw .forbiddenCharacter }
            if byte != 0x2F || path.last != 0x2F { path.append(byte) }
        }
        guard !path.split(separator: 0x2F).contains(where: { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }) else { throw .dotSegment }
        if isUnder, path.last == 0x2F { path.removeLast() }
        self = isUnder ? .under(path) : .exactly(path)
    }
}
