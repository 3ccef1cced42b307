public import HTTP

/// Where a login or logout leads back to: always an absolute URL at a configured origin (README, *What clients receive*).
public struct ReturnAddress: Equatable, Sendable {
    /// `https://…`, visible ASCII; path, query and fragment as they were given, byte for byte.
    public let url: String
    /// The origin it lies at.
    public let origin: Origin
    /// What was given was not fit, and this is `/` of the origin that it was given to.
    public let isFallback: Bool

    /// Longer addresses are not kept, in bytes.
    public static let limit = 8192

    /// Judges the value of a `return` parameter, percent-decoded once as every query value.
    /// - Parameters:
    ///   - origin: where the request came in; what it falls back to.
    ///   - configured: every origin that the gateway serves.
    ///   - allowsPath: on a site's own login, a path beginning with one `/` will do.
    public init(_ raw: String?, givenTo origin: Origin, configured: Set<Origin>, allowsPath: Bool) {
        if let raw, let found = Self.judge(Array(raw.utf8), origin, configured, allowsPath) {
            url = found.prefix + raw
            self.origin = found.origin
            isFallback = false
        } else {
            url = origin.text + "/"
            self.origin = origin
            isFallback = true
        }
    }

    /// Nil: not fit. Else the origin that it leads to, and what to put before a mere path.
    private static func judge(_ raw: [UInt8], _ given: Origin, _ configured: Set<Origin>, _ allowsPath: Bool) -> (prefix: String, origin: Origin)? {
        guard !raw.isEmpty, raw.count <= limit, raw.allSatisfy({ $0 >= 0x21 && $0 <= 0x7E && $0 != 0x5C }) else { return nil }
        if raw[0] == 0x2F {
            guard allowsPath, raw.count == 1 || raw[1] != 0x2F, isOpen(raw[...]) else { return nil }
            return (given.text, given)
        }
        guard raw.starts(with: "https://".utf8) else { return nil }
        let rest = raw[8...]
        let end = rest.firstIndex { $0 == 0x2F || $0 == 0x3F || $0 == 0x23 } ?? rest.endIndex
        guard let origin = parse(authority: rest[..<end]), configured.contains(origin), isOpen(rest[end...]) else { return nil }
        return ("", origin)
    }

    /// Host and port; nothing else may be there. What it accepts is only ever compared with what is configured.
    private static func parse(authority: ArraySlice<UInt8>) -> Origin? {
        guard !authority.contains(0x40) else { return nil }
        var host = authority
        var port: UInt16 = 443
        if let colon = authority.lastIndex(of: 0x3A), !authority[colon...].contains(0x5D) {
            let digits = authority[(colon + 1)...]
            guard let first = digits.first, first != 0x30, digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
                let number = UInt16(String(decoding: digits, as: UTF8.self))
            else { return nil }
            port = number
            host = authority[..<colon]
        }
        return host.isEmpty ? nil : Origin(host: String(decoding: host, as: UTF8.self), port: port)
    }

    /// Whether the path (query and fragment may follow) is one that the gateway does not keep for itself, in any spelling: decoded once, runs of
    /// `/` made one, dot segments refused (browsers resolve them), `;x` cut off, any case.
    private static func isOpen(_ target: ArraySlice<UInt8>) -> Bool {
        let raw = target.prefix { $0 != 0x3F && $0 != 0x23 }
        guard let path = decodeOnce(raw), path.allSatisfy({ $0 >= 0x20 && $0 != 0x7F && $0 != 0x5C }) else { return false }
        let segments = path.split(separator: 0x2F).map { $0.prefix { $0 != 0x3B } }
        guard !segments.contains(where: { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }) else { return false }
        // `;x/.menwei` cuts down to an empty segment, which a run of `/` would swallow.
        guard let first = segments.first(where: { !$0.isEmpty }), same(first, ".menwei") else { return true }
        return raw.elementsEqual("/.menwei/home".utf8)
    }

    /// Nil where a `%` is not followed by two hex digits.
    private static func decodeOnce(_ raw: ArraySlice<UInt8>) -> [UInt8]? {
        var out: [UInt8] = []
        out.reserveCapacity(raw.count)
        var at = raw.startIndex
        while at < raw.endIndex {
            if raw[at] == 0x25 {
                guard at + 2 < raw.endIndex, let high = hexDigit(raw[at + 1]), let low = hexDigit(raw[at + 2]) else { return nil }
                out.append(high << 4 | low)
                at += 3
            } else {
                out.append(raw[at])
                at += 1
            }
        }
        return out
    }
}
