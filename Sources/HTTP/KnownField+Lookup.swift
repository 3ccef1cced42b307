extension KnownField {
    /// The known name that `bytes` is, without regard to case.
    public init(name bytes: ArraySlice<UInt8>) { self.init(name: bytes.span) }

    /// The known name that `name` is, without regard to case: its length and one byte leave a single candidate, which is then compared whole.
    public init(name: Span<UInt8>) {
        let candidate = Self.candidate(name)
        self = candidate != .other && equalsIgnoringCase(name, candidate.text) ? candidate : .other
    }

    private static func candidate(_ name: Span<UInt8>) -> Self {
        switch name.count {
        case 2: .te
        case 3: .via
        case 4:
            switch lowercase(name[0]) {
            case UInt8(ascii: "h"): .host
            case UInt8(ascii: "d"): .date
            case UInt8(ascii: "v"): .vary
            case UInt8(ascii: "e"): .etag
            default: .other
            }
        case 5: .range
        case 6:
            switch lowercase(name[0]) {
            case UInt8(ascii: "e"): .expect
            case UInt8(ascii: "c"): .cookie
            case UInt8(ascii: "o"): .origin
            case UInt8(ascii: "a"): .accept
            case UInt8(ascii: "s"): .server
            default: .other
            }
        case 7:
            switch lowercase(name[0]) {
            case UInt8(ascii: "t"): .trailer
            case UInt8(ascii: "u"): .upgrade
            case UInt8(ascii: "r"): lowercase(name[3]) == UInt8(ascii: "e") ? .referer : .refresh
            case UInt8(ascii: "a"): .altSvc
            case UInt8(ascii: ":"): .http2Status
            default: .other
            }
        case 8: .location
        case 9: .forwarded
        case 10:
            switch lowercase(name[0]) {
            case UInt8(ascii: "c"): .connection
            case UInt8(ascii: "k"): .keepAlive
            case UInt8(ascii: "s"): .setCookie
            case UInt8(ascii: "u"): .userAgent
            case UInt8(ascii: "t"): .tracestate
            default: .other
            }
        case 11: lowercase(name[0]) == UInt8(ascii: "t") ? .traceparent : .retryAfter
        case 12:
            switch lowercase(name[0]) {
            case UInt8(ascii: "m"): .maxForwards
            case UInt8(ascii: "x"): .requestID
            default: .contentType
            }
        case 13:
            switch lowercase(name[0]) {
            case UInt8(ascii: "a"): .authorization
            case UInt8(ascii: "c"): .cacheControl
            case UInt8(ascii: "i"): .ifNoneMatch
            case UInt8(ascii: "l"): .lastModified
            default: .other
            }
        case 14:
            switch lowercase(name[10]) {
            case UInt8(ascii: "n"): .contentLength
            case UInt8(ascii: "i"): .http2Settings
            case UInt8(ascii: "m"): .secFetchMode
            case UInt8(ascii: "d"): .secFetchDest
            case UInt8(ascii: "s"): .secFetchSite
            default: .other
            }
        case 15:
            switch lowercase(name[7]) {
            case UInt8(ascii: "l"): .acceptLanguage
            case UInt8(ascii: "e"): .acceptEncoding
            case UInt8(ascii: "i"): .clearSiteData
            default: .other
            }
        case 16:
            switch lowercase(name[11]) {
            case UInt8(ascii: "c"): .proxyConnection
            case UInt8(ascii: "o"): .contentEncoding
            case UInt8(ascii: "a"): .contentLocation
            case UInt8(ascii: "-"): .xRequestedWith
            case UInt8(ascii: "i"): .wwwAuthenticate
            default: .other
            }
        case 17:
            switch lowercase(name[0]) {
            case UInt8(ascii: "t"): .transferEncoding
            case UInt8(ascii: "s"): .secWebSocketKey
            case UInt8(ascii: "i"): .ifModifiedSince
            default: .other
            }
        case 18: .proxyAuthenticate
        case 19: .proxyAuthorization
        case 20: .secWebSocketAccept
        case 21: .secWebSocketVersion
        case 22: .secWebSocketProtocol
        case 24: .secWebSocketExtensions
        case 29: .accessControlRequestMethod
        default: .other
        }
    }

    /// The name as the registry spells it; empty for `other`.
    public var text: StaticString {
        switch self {
        case .other: ""
        case .host: "Host"
        case .connection: "Connection"
        case .contentLength: "Content-Length"
        case .transferEncoding: "Transfer-Encoding"
        case .trailer: "Trailer"
        case .te: "TE"
        case .upgrade: "Upgrade"
        case .expect: "Expect"
        case .keepAlive: "Keep-Alive"
        case .proxyConnection: "Proxy-Connection"
        case .http2Settings: "HTTP2-Settings"
        case .cookie: "Cookie"
        case .setCookie: "Set-Cookie"
        case .authorization: "Authorization"
        case .origin: "Origin"
        case .referer: "Referer"
        case .userAgent: "User-Agent"
        case .accept: "Accept"
        case .acceptLanguage: "Accept-Language"
        case .acceptEncoding: "Accept-Encoding"
        case .contentType: "Content-Type"
        case .contentEncoding: "Content-Encoding"
        case .contentLocation: "Content-Location"
        case .location: "Location"
        case .date: "Date"
        case .server: "Server"
        case .via: "Via"
        case .forwarded: "Forwarded"
        case .cacheControl: "Cache-Control"
        case .vary: "Vary"
        case .altSvc: "Alt-Svc"
        case .clearSiteData: "Clear-Site-Data"
        case .secFetchMode: "Sec-Fetch-Mode"
        case .secFetchDest: "Sec-Fetch-Dest"
        case .secFetchSite: "Sec-Fetch-Site"
        case .xRequestedWith: "X-Requested-With"
        case .accessControlRequestMethod: "Access-Control-Request-Method"
        case .secWebSocketKey: "Sec-WebSocket-Key"
        case .secWebSocketVersion: "Sec-WebSocket-Version"
        case .secWebSocketProtocol: "Sec-WebSocket-Protocol"
        case .secWebSocketExtensions: "Sec-WebSocket-Extensions"
        case .secWebSocketAccept: "Sec-WebSocket-Accept"
        case .wwwAuthenticate: "WWW-Authenticate"
        case .proxyAuthenticate: "Proxy-Authenticate"
        case .proxyAuthorization: "Proxy-Authorization"
        case .range: "Range"
        case .ifModifiedSince: "If-Modified-Since"
        case .ifNoneMatch: "If-None-Match"
        case .etag: "ETag"
        case .lastModified: "Last-Modified"
        case .retryAfter: "Retry-After"
        case .http2Status: ":status"
        case .requestID: "X-Request-Id"
        case .traceparent: "traceparent"
        case .tracestate: "tracestate"
        case .maxForwards: "Max-Forwards"
        case .refresh: "Refresh"
        }
    }
}
