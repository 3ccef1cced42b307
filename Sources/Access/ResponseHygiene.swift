public import HTTP

/// Judges the fields of an upstream's answer (README, *What the upstream receives*).
public struct ResponseHygiene {
    private var nominated: [Range<Int>] = []

    public init() {}

    /// Reads what the head says about the hop. To be called first, for each answer.
    /// - Throws: where `Connection` nominates a field that frames the message: the answer is broken.
    public mutating func begin(_ fields: Fields) throws(ProtocolFault) {
        nominated.removeAll(keepingCapacity: true)
        for entry in fields.entries where entry.known == .connection { try Nominations.read(fields, entry, into: &nominated) }
    }

    private static let ours = FoldedNameSet(names: ["X-Request-Id"], prefixes: ["X-Menwei-"])

    /// What becomes of a field of the head that `begin` was shown last.
    public func verdict(_ entry: Fields.Entry, in fields: Fields) -> FieldVerdict {
        switch entry.known {
        case .connection, .keepAlive, .proxyConnection, .proxyAuthenticate, .proxyAuthorization, .te, .transferEncoding, .upgrade, .http2Settings,
            .http2Status, .altSvc:
            return .drop
        case .contentLength: return .rewrite
        case .clearSiteData: return Self.withoutCookies(fields.value(entry)) == nil ? .keep : .rewrite
        case .setCookie: return Self.setsOwnCookie(fields.value(entry)) ? .drop : .keep
        default: break
        }
        let name = fields.arena.span.extracting(entry.name)
        if Self.ours.contains(name) || entry.known == .other && Hygiene.hop.contains(name) { return .drop }
        return Nominations.name(entry, in: fields, nominated) ? .drop : .keep
    }

    /// Whether an answer's trailer field is passed on.
    public func keepsTrailer(_ name: Span<UInt8>) -> Bool {
        !(Self.ours.contains(name) || Hygiene.hop.contains(name) || Self.notInTrailers.contains(name))
    }

    private static let notInTrailers = FoldedNameSet(
        names: ["Host", "Cookie", "Set-Cookie", "Authorization", "Alt-Svc", "Clear-Site-Data", "Location", "Content-Length", "Content-Encoding",
                "Content-Type", "Content-Range", "Strict-Transport-Security"], prefixes: ["Access-Control-"])

    /// Whether a `Set-Cookie` value sets one of the gateway's cookies. A cookie without a name whose value begins with one of ours
    /// (`=__Host-menwei=x`) comes back from old browsers as ours.
    public static func setsOwnCookie(_ value: ArraySlice<UInt8>) -> Bool {
        let text = value.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x3D }
        return CookieNames.isOwn(trim(text.prefix { $0 != 0x3D && $0 != 0x3B }))
    }

    /// A `Clear-Site-Data` value without what would log people out: nil where there was nothing of that kind; `"*"` becomes all else.
    /// Empty: leave the field out.
    public static func withoutCookies(_ value: ArraySlice<UInt8>) -> [UInt8]? {
        let items = value.split(separator: 0x2C).map(trim)
        func clears(_ item: ArraySlice<UInt8>) -> Bool { same(item, "\"cookies\"") }
        func all(_ item: ArraySlice<UInt8>) -> Bool { same(item, "\"*\"") }
        guard items.contains(where: { clears($0) || all($0) }) else { return nil }
        if items.contains(where: all) { return Array("\"cache\", \"storage\", \"executionContexts\"".utf8) }
        return Array(items.filter { !clears($0) }.joined(separator: ", ".utf8))
    }
}
