private import Bytes

/// The one path by which site, rule and upstream are chosen (README, *What clients receive*), made from a request target in origin form.
///
/// `forwarded` is what the upstream gets: the target as it came but for runs of `/`, made one. `path` is what rules are compared with: the
/// same, percent-decoded once. Where an application might see another path than that (`%2F` a slash or not, `;x` cut off or not),
/// `isAmbiguous` is true and `readings()` lists what it might see; a request whose readings fall under different sites or rules must be
/// refused. A value may be parsed into again and again; it keeps its room.
public struct CanonicalTarget: Sendable {
    /// Path and query for the upstream.
    public private(set) var forwarded: [UInt8] = []
    /// How many bytes of `forwarded` are the path.
    public private(set) var forwardedPathLength = 0
    /// The path percent-decoded once, with `%2F` as a slash and runs of `/` made one. Begins with `/`.
    public private(set) var path: [UInt8] = []
    /// `path` is well-formed UTF-8. Where it is not, only a site with `encoding: any` may take it.
    public private(set) var isUTF8 = true

    private var hasEncodedSlash = false
    private var hasSemicolon = false

    public init() {}

    /// Throws 400.
    public init(_ raw: Span<UInt8>) throws(ProtocolFault) { try parse(raw) }

    /// Where the query lies in `forwarded`, without its `?`; `nil` where there is none.
    public var query: Range<Int>? {
        forwardedPathLength < forwarded.count ? forwardedPathLength + 1..<forwarded.count : nil
    }

    /// Another path than `path` might be meant.
    public var isAmbiguous: Bool { hasEncodedSlash || hasSemicolon }

    /// Replaces what is here by the target `raw`. Throws 400 where it is refused for every site; see `check` for what depends
    /// on the site.
    public mutating func parse(_ raw: Span<UInt8>) throws(ProtocolFault) {
        forwarded.removeAll(keepingCapacity: true)
        path.removeAll(keepingCapacity: true)
        (hasEncodedSlash, hasSemicolon, isUTF8) = (false, false, true)
        guard raw.count > 0, raw[0] == UInt8(ascii: "/") else { throw ProtocolFault("target-form") }
        let end = try readPath(raw)
        forwardedPathLength = forwarded.count
        for at in end..<raw.count {
            try Self.checkByte(raw[at])
            forwarded.append(raw[at])
        }
        try Self.checkDotSegments(path)
    }

    /// Takes the path's first `count` segments off `forwarded` (a site's `strip_path`); what is left begins with `/`. `path` stays what it was
    /// judged by. No segment that is taken off, and none behind it, can be read as another: `parse` refused dot segments and made runs of `/`
    /// one, and where `%2F` or `;` would move a border the readings fall under different sites.
    public mutating func strip(segments count: Int) {
        var end = 0
        for _ in 0..<count where end < forwardedPathLength {
            end += 1
            while end < forwardedPathLength, forwarded[end] != UInt8(ascii: "/") { end += 1 }
        }
        forwarded.removeFirst(end)
        forwardedPathLength -= end
        if forwardedPathLength == 0 {
            forwarded.insert(UInt8(ascii: "/"), at: 0)
            forwardedPathLength = 1
        }
    }

    /// What only some sites refuse: a path that is not UTF-8 (unless `anyEncoding`), and, where trailing dots and blanks do not count
    /// (`ignoreCase`), a segment of nothing else.
    public func check(anyEncoding: Bool, ignoreCase: Bool) throws(ProtocolFault) {
        if !anyEncoding, !isUTF8 { throw ProtocolFault("path-encoding") }
        if ignoreCase, Self.hasVanishingSegment(path) { throw ProtocolFault("path-dots") }
    }

    /// Where the query begins, or the end.
    private mutating func readPath(_ raw: Span<UInt8>) throws(ProtocolFault) -> Int {
        var at = 0
        var isASCII = true
        while at < raw.count {
            let byte = raw[at]
            try Self.checkByte(byte)
            switch byte {
            case UInt8(ascii: "?"):
                if !isASCII { isUTF8 = String(validating: path, as: UTF8.self) != nil }
                return at
            case UInt8(ascii: "/"):
                if forwarded.last != byte { forwarded.append(byte) }
                if path.last != byte { path.append(byte) }
                at += 1
            case UInt8(ascii: "%"):
                let decoded = try Self.escape(raw, at)
                for offset in at..<at + 3 { forwarded.append(raw[offset]) }
                if decoded == UInt8(ascii: "/") { hasEncodedSlash = true }
                if decoded == UInt8(ascii: ";") { hasSemicolon = true }
                if decoded >= 0x80 { isASCII = false }
                if decoded != UInt8(ascii: "/") || path.last != decoded { path.append(decoded) }
                at += 3
            default:
                if byte == UInt8(ascii: ";") { hasSemicolon = true }
                forwarded.append(byte)
                path.append(byte)
                at += 1
            }
        }
        if !isASCII { isUTF8 = String(validating: path, as: UTF8.self) != nil }
        return at
    }

    private static func checkByte(_ byte: UInt8) throws(ProtocolFault) {
        guard byte &- 0x21 <= 0x5D, byte != UInt8(ascii: "#"), byte != UInt8(ascii: "\\") else { throw ProtocolFault("target-byte") }
    }

    /// The byte that the escape at `at` stands for.
    private static func escape(_ raw: Span<UInt8>, _ at: Int) throws(ProtocolFault) -> UInt8 {
        guard raw.count - at > 2, let high = Hex.value(raw[at + 1]), let low = Hex.value(raw[at + 2]) else { throw ProtocolFault("path-escape") }
        let byte = high << 4 | low
        guard byte >= 0x20, byte != 0x7F, byte != UInt8(ascii: "\\") else { throw ProtocolFault("path-escape") }
        return byte
    }

    /// Refuses `.` and `..` in any spelling: decoded, cut at every slash and every `;`, `?` and `#` (which applications that
    /// decode too early take for the path's end), the path holds every one of them.
    private static func checkDotSegments(_ path: [UInt8]) throws(ProtocolFault) {
        let path = path.span
        for at in 0..<path.count - 1 where path[at] == UInt8(ascii: "/") && path[at + 1] == UInt8(ascii: ".") {
            var end = at + 2
            if end < path.count, path[end] == UInt8(ascii: ".") { end += 1 }
            if end == path.count || "/;?#".utf8.contains(path[end]) { throw ProtocolFault("dot-segment") }
        }
    }

    /// A segment, parameters cut off, of dots and blanks alone: folded it would be none, and Windows may read it as `..`.
    private static func hasVanishingSegment(_ path: [UInt8]) -> Bool {
        path.split(separator: UInt8(ascii: "/")).contains { segment in
            let name = segment.prefix { $0 != UInt8(ascii: ";") }
            return !name.isEmpty && name.allSatisfy { $0 == UInt8(ascii: ".") || $0 == 0x20 }
        }
    }
}
