import Access

/// Paths in `sites[].path` and in rules. They may be written percent-encoded or not; they are compared decoded.
enum PathText {
    /// A site's path: no `/` at its end but for the root.
    static func site(_ node: YAMLNode) throws(Misread) -> String {
        let text = try Read.text(node)
        guard !text.utf8.contains(UInt8(ascii: "*")) else { throw Misread("the path \(quoted(text)): a site has all below its path, without \"*\"") }
        guard case .exactly(var bytes) = try pattern(text) else { throw Misread("the path \(quoted(text)) is no path") }
        if bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        guard let path = String(validating: bytes, as: UTF8.self) else { throw Misread("the path \(quoted(text)) is not UTF-8 when decoded") }
        guard !isGateway(bytes) else { throw Misread("the path \(quoted(text)): what is under /.menwei/ is the gateway's own") }
        return path
    }

    /// The pattern of a rule.
    static func pattern(_ text: String) throws(Misread) -> Rule.Path {
        do throws(RulePatternFault) {
            let path = try Rule.Path(pattern: text)
            if case .under(let base) = path, base.isEmpty { return .any }
            return path
        } catch {
            throw Misread("the path \(quoted(text)): \(error.why)")
        }
    }

    static func isGateway(_ bytes: [UInt8]) -> Bool { isAtOrBelow(bytes, Array("/.menwei".utf8)) }

    /// Whether `path` is `base` or lies below it, at a segment border.
    static func isAtOrBelow(_ path: [UInt8], _ base: [UInt8]) -> Bool {
        base == [0x2F] || path == base || (path.starts(with: base) && path.dropFirst(base.count).first == 0x2F)
    }
}

extension RulePatternFault {
    var why: String {
        switch self {
        case .notAbsolute: "a path begins with \"/\""
        case .star: "\"*\" can only stand at the end, after \"/\""
        case .forbiddenCharacter: "a path has no \"?\", \"#\", \"\\\" and no control characters; write %3F or %23 for the first two"
        case .malformedPercent: "\"%\" needs two hex digits after it; write %25 for the character"
        case .dotSegment: "no request has such a path: \".\" and \"..\" are refused"
        case .tooLong: "longer than 2048 bytes"
        }
    }
}
