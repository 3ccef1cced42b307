/// Why an entry of `identity.headers` is none.
public enum IdentityHeaderFault: Error, Equatable, Sendable {
    /// Not a field name (RFC 9110 section 5.1), or longer than 128 bytes.
    case notAToken
    /// A field of one hop: `Connection`, `TE`, `Upgrade` …
    case hopByHop
    /// A field that frames, routes or conditions the request, or authenticates by itself: `Host`, `Content-*`, `Cookie`, `Authorization` …
    case routes
    /// A field that the gateway sets itself: `X-Menwei-*`, `X-Forwarded-For`, `X-Request-Id` …
    case setByGateway
    case unknownPlaceholder(String)
    /// `{name|…}` with something else than `base64` or `raw`.
    case unknownEncoding(String)
    /// `{` without `}`, or the other way round.
    case malformedBraces
    /// A control character in the text.
    case controlCharacter
    /// Nothing at all, or more than 1024 bytes.
    case badLength
    /// A colon in what is to be a user-id of HTTP Basic, which ends at it.
    case colon
}

extension IdentityHeader {
    /// Reads a configured header.
    /// - Parameter template: text with placeholders `{account}`, `{name|base64}`, `{name|raw}`; there is no way to write a brace.
    public init(name: String, template: String) throws(IdentityHeaderFault) {
        try Self.check(name: name)
        self.init(name: name, parts: try Self.parse(template))
    }

    /// What every site sends where it does not say otherwise (README, *Configure*).
    public static let defaults: [IdentityHeader] = [
        ("X-Forwarded-User", Placeholder.account), ("X-Forwarded-Preferred-Username", .account), ("X-Forwarded-Name", .name),
        ("X-Forwarded-Email", .email), ("X-Forwarded-Groups", .groups),
    ].map { IdentityHeader(name: $0.0, parts: [.placeholder($0.1, .percent)]) }

    /// The name under which careless applications see this header; two headers of one site must differ in it.
    public var foldedName: [UInt8] { FoldedName.fold(name) }

    /// Whether a name may be used at all; `Settings` asks this also where the template is `null`.
    public static func check(name: String) throws(IdentityHeaderFault) {
        let bytes = Array(name.utf8)
        guard !bytes.isEmpty, bytes.count <= 128, bytes.allSatisfy(isToken) else { throw .notAToken }
        if Hygiene.hop.contains(bytes.span) { throw .hopByHop }
        if routing.contains(bytes.span) { throw .routes }
        if own.contains(bytes.span) { throw .setByGateway }
    }

    private static let own = FoldedNameSet(
        names: ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Prefix", "X-Request-Id", "Signature", "Signature-Input", "traceparent", "tracestate"],
        prefixes: ["X-Menwei-"])

    private static let routing = FoldedNameSet(
        names: [
            "Host", "Cookie", "Cookie2", "Set-Cookie", "Authorization", "Expect", "Range", "Max-Forwards", "Via", "Date", "Origin", "Referer",
            "User-Agent", "Accept", "Cache-Control", "Pragma", "Proxy", "Upgrade-Insecure-Requests",
        ], prefixes: ["Content-", "If-", "Sec-", "Access-Control-", "Accept-", "Proxy-"])

    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    static func parse(_ template: String) throws(IdentityHeaderFault) -> [Part] {
        guard !template.isEmpty, template.utf8.count <= 1024 else { throw .badLength }
        guard !template.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }) else { throw .controlCharacter }
        var parts: [Part] = []
        var rest = template[...]
        while let brace = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            guard rest[brace] == "{", let end = rest[brace...].firstIndex(of: "}") else { throw .malformedBraces }
            let inner = rest[rest.index(after: brace)..<end]
            guard !inner.contains("{") else { throw .malformedBraces }
            if brace > rest.startIndex { parts.append(.literal(String(rest[..<brace]))) }
            parts.append(try placeholder(inner))
            rest = rest[rest.index(after: end)...]
        }
        if !rest.isEmpty { parts.append(.literal(String(rest))) }
        return parts
    }

    private static func placeholder(_ inner: Substring) throws(IdentityHeaderFault) -> Part {
        let pieces = inner.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
        guard let placeholder = Placeholder(rawValue: String(pieces[0])) else { throw .unknownPlaceholder(String(pieces[0])) }
        guard pieces.count == 2 else { return .placeholder(placeholder, .percent) }
        switch pieces[1] {
        case "base64": return .placeholder(placeholder, .base64)
        case "raw": return .placeholder(placeholder, .raw)
        default: throw .unknownEncoding(String(pieces[1]))
        }
    }
}
