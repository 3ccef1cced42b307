/// The names that no client may speak to an upstream (README, *What the upstream receives*): known to gateways and applications as a
/// statement of who is asking, from where or for what. They are removed from each request before anything is added.
public struct Hygiene: Sendable {
    private let names: FoldedNameSet
    /// The same, and spellings of what belongs to one hop or says where a message ends: for names that the parser does not know.
    private let unknownNames: FoldedNameSet

    /// `X-Menwei-*` is everything that begins so.
    static let prefixes = ["X-Menwei-", "X-Forwarded-", "X-Original-", "X-HTTP-Method", "X-Envoy-", "X-Accel-"]
    static let exact = [
        "Forwarded", "X-Real-IP", "X-Request-Id", "X-Rewrite-URL", "X-Method-Override", "CF-Connecting-IP", "True-Client-IP", "Proxy",
        "Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups", "X-Remote-User", "Signature", "Signature-Input",
    ]

    /// - Parameter identityHeaders: every name in any site's `identity.headers`, defaults included.
    public init(identityHeaders: [String]) {
        names = FoldedNameSet(names: Self.exact + identityHeaders, prefixes: Self.prefixes)
        unknownNames = FoldedNameSet(names: Self.exact + identityHeaders + Self.hopNames + Self.formNames, prefixes: Self.prefixes)
    }

    /// Whether a field of that name is removed, however it is spelled.
    public func strips(_ name: Span<UInt8>) -> Bool { names.contains(name) }
    public func strips(_ name: ArraySlice<UInt8>) -> Bool { names.contains(name.span) }
    public func strips(_ name: String) -> Bool { names.contains(name) }

    /// Whether a field that the parser knows under no name of its own is removed: in one look-up.
    func stripsUnknown(_ name: Span<UInt8>) -> Bool { unknownNames.contains(name) }

    /// Fields that belong to one hop, or say where a message ends (RFC 9110 section 7.6.1). Also in spellings that only careless
    /// applications take for them.
    static let hopNames = [
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
        "HTTP2-Settings",
    ]
    static let hop = FoldedNameSet(names: hopNames)
    /// Names for which `_` instead of `-` would give an application a second opinion on the message's form.
    static let formNames = ["Content-Length", "Content-Type", "Content-Encoding"]
    /// What a trailer may not say (RFC 9110 section 6.5.1): framing, routing, who is asking, how to read the content.
    static let notInTrailers = FoldedNameSet(
        names: [
            "Host", "Cookie", "Set-Cookie", "Authorization", "WWW-Authenticate", "Expect", "Range", "Max-Forwards", "Cache-Control", "Pragma", "Date",
            "Expires", "Location", "Retry-After", "Vary", "Age", "Warning", "Origin", "Referer", "User-Agent", "Via",
        ], prefixes: ["Content-", "If-", "Sec-", "Access-Control-", "Accept", "Cookie"])
}

/// What happens to a client's field on its way to the upstream, or back.
public enum FieldVerdict: Sendable {
    /// Passed on byte for byte.
    case keep
    case drop
    /// Not copied: the connection writes its own, from what it knows (`Host`, `Content-Length`, `Cookie` without our cookies, `Expect`,
    /// `Max-Forwards`; on the way back `Content-Length` and `Clear-Site-Data` without `"cookies"`).
    case rewrite
}
