private import Bytes

/// `host[:port]` of `Host`, `:authority` or an absolute target (RFC 3986 section 3.2.2), without user info. Names are letters, digits,
/// `-`, `.`, `_` and `~`; escapes and sub-delimiters, which no host of ours has, are not taken. IPv6 literals stand in brackets.
public struct Authority: Equatable, Sendable {
    /// How many bytes from the beginning are the host, brackets included; at least 1.
    public var hostLength: Int
    /// `nil` where none is named.
    public var port: UInt16?

    /// `nil` where `bytes` are no authority.
    public init?(_ bytes: Span<UInt8>) {
        guard 1...261 ~= bytes.count else { return nil }
        var at = 0
        if bytes[0] == UInt8(ascii: "[") {
            guard let end = Self.literalEnd(bytes) else { return nil }
            at = end
        } else {
            while at < bytes.count, Percent.isUnreserved(bytes[at]) { at += 1 }
        }
        guard at > 0 else { return nil }
        hostLength = at
        if at == bytes.count { return }
        guard bytes[at] == UInt8(ascii: ":"), let port = Self.port(bytes.extracting(at + 1..<bytes.count)) else { return nil }
        self.port = port
    }

    /// The origin that `bytes` name on https, in lower case; `nil` where they are no authority or the host ends in a dot: no origin of
    /// ours is ever spelled so.
    public static func origin(_ bytes: ArraySlice<UInt8>) -> Origin? {
        guard let authority = Authority(bytes.span) else { return nil }
        let host = bytes.prefix(authority.hostLength)
        guard host.last != UInt8(ascii: ".") else { return nil }
        return Origin(host: String(decoding: host.map { lowercase($0) }, as: UTF8.self), port: authority.port ?? 443)
    }

    /// Whether `bytes`, an authority, name that origin. Allocates nothing.
    public static func names(_ origin: Origin, _ bytes: Span<UInt8>) -> Bool {
        guard let authority = Authority(bytes), authority.port ?? 443 == origin.port, authority.hostLength == origin.host.utf8.count else { return false }
        var at = 0
        for byte in origin.host.utf8 {
            guard lowercase(bytes[at]) == byte else { return false }
            at += 1
        }
        return true
    }

    /// Whether two authorities are the same place, where `defaultPort` stands for none.
    static func same(_ a: Span<UInt8>, _ b: Span<UInt8>, defaultPort: UInt16) -> Bool {
        guard let one = Authority(a), let other = Authority(b), one.port ?? defaultPort == other.port ?? defaultPort,
              one.hostLength == other.hostLength
        else { return false }
        for at in 0..<one.hostLength where lowercase(a[at]) != lowercase(b[at]) { return false }
        return true
    }

    /// Where the bracketed IPv6 address ends. That it is one to the last group is not asked: it is only ever compared.
    private static func literalEnd(_ bytes: Span<UInt8>) -> Int? {
        var colons = 0
        for at in 1..<min(bytes.count, 48) {
            switch bytes[at] {
            case UInt8(ascii: "]"): return colons >= 2 ? at + 1 : nil
            case UInt8(ascii: ":"): colons += 1
            case UInt8(ascii: "."): break
            default: guard Hex.value(bytes[at]) != nil else { return nil }
            }
        }
        return nil
    }

    /// 0…65535 without leading zeros.
    private static func port(_ bytes: Span<UInt8>) -> UInt16? {
        guard bytes.count <= 5, let value = MessageFraming.decimal(bytes) else { return nil }
        return UInt16(exactly: value)
    }
}
