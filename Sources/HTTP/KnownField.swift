/// The field names that the gateway itself looks at, as small integers: comparing one is a byte comparison, finding one needs no hashing
/// of text on the hot path. Everything else is `other`.
public enum KnownField: UInt8, Sendable {
    case other = 0
    case host, connection, contentLength, transferEncoding, trailer, te, upgrade, expect, keepAlive, proxyConnection, http2Settings
    case cookie, setCookie, authorization, origin, referer, userAgent, accept, acceptLanguage, acceptEncoding
    case contentType, contentEncoding, contentLocation, location, date, server, via, forwarded, cacheControl, vary, altSvc, clearSiteData
    case secFetchMode, secFetchDest, secFetchSite, xRequestedWith, accessControlRequestMethod
    case secWebSocketKey, secWebSocketVersion, secWebSocketProtocol, secWebSocketExtensions, secWebSocketAccept
    case wwwAuthenticate, proxyAuthenticate, proxyAuthorization, range, ifModifiedSince, ifNoneMatch, etag, lastModified, retryAfter, http2Status
    case traceparent, tracestate, maxForwards, refresh, requestID
}
