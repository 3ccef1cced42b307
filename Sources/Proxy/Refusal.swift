public import Access

/// Every reason for which the gateway answers a request itself instead of passing it on. One value each; `RefusalRenderer` turns them into
/// answers in one place.
public enum Refusal: Equatable, Sendable {
    /// No live session where one is needed, or it ended before the answer came.
    case loginRequired
    /// A rule says no. `pattern` and `source` (FILE:LINE) name it, `reason` is a short fixed word.
    case denied(pattern: String, source: String, reason: String)
    /// A WebSocket whose Origin is neither the site's nor trusted.
    case foreignOrigin
    /// The origin is ours, but no site has that path.
    case noSuchSite
    /// No such path of the gateway's own.
    case noSuchOwnPath
    /// A known own path asked with a method that it does not have; `allow` is the Allow header.
    case methodNotAllowed(allow: String)
    /// No such host here (421).
    case unknownHost
    /// The request itself is at fault; `status` 400, 405, 408, 414, 417, 431, 501, 505; `code` a fixed word.
    case malformed(status: Int, code: String)
    case tooLarge(limit: UInt64)
    /// A form that came when the session was over, and is larger than what is kept until after the login.
    case formTooLarge(limit: UInt64)
    /// A form that was kept was sent already, or is not kept any longer (410).
    case formGone
    case upstreamUnreachable
    case upstreamTimedOut
    /// The upstream's answer is not HTTP.
    case upstreamBroken
    case storeDown
    /// The request has been here before: an upstream leads back to this gateway (508).
    case loop
}

/// Turns a refusal into an answer: a page for people, an `application/problem+json` for programs. Called on the worker's loop; must not wait.
public protocol RefusalRenderer: AnyObject {
    func answer(_ refusal: Refusal, to request: OwnRequest, audience: Audience) -> OwnResponse
}
