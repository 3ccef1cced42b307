public import Access
public import HTTP

/// A request that the gateway answers itself, whole: head and a bounded body. Text and arrays here: this is not the hot path.
public struct OwnRequest: Sendable {
    /// The method's token (`GET`; `HEAD` arrives as it is, its answer's body is dropped).
    public var method: String
    /// The configured origin that was asked; nil where the host is none of ours, and from a `ResponderHandler`, which knows no origins.
    public var origin: Origin?
    /// The authority as the client sent it, for those without an origin.
    public var authority: String
    /// The canonical path, percent-decoded once; from a `ResponderHandler` as it came.
    public var path: String
    /// The raw target, path and query, as it came.
    public var target: String
    /// The query without `?`, raw; empty where there is none.
    public var query: String
    /// The head's fields, none removed.
    public var fields: Fields
    /// The body; one that is larger than its path takes (`OwnRequest.bodyLimit` at the most) was answered with 413 before.
    public var body: [UInt8]
    /// The client's address: an IP literal, no port.
    public var client: String
    /// What the client speaks.
    public var version: HTTPVersion
    /// The id that goes with the request into records and onto pages.
    public var requestID: String
    /// The session behind the host's own cookie, if it is live; nil where nobody looked for one (refusals before that, `ResponderHandler`).
    public var session: SessionRecord?
    /// The site that would serve this path on this origin, if any.
    public var site: String?
    /// Its rule asks for a login that is no older than that.
    public var maxAge: Duration?

    /// 64 KiB
    public static let bodyLimit = 64 << 10

    public init(method: String, origin: Origin?, authority: String, path: String, target: String, query: String, fields: Fields, body: [UInt8],
                client: String, version: HTTPVersion, requestID: String, session: SessionRecord?, site: String?, maxAge: Duration? = nil) {
        self.method = method
        self.origin = origin
        self.authority = authority
        self.path = path
        self.target = target
        self.query = query
        self.fields = fields
        self.body = body
        self.client = client
        self.version = version
        self.requestID = requestID
        self.session = session
        self.site = site
        self.maxAge = maxAge
    }
}

/// A whole answer, or the head of a stream. `Date`, `Content-Length` and `X-Request-Id` are added on the way out.
public struct OwnResponse: Sendable {
    /// A final status, 200…599.
    public var status: Int
    /// In order; a name may stand more than once (`Set-Cookie`). Values must be free of controls but for tab (they are checked: such an answer becomes 500).
    public var fields: [(name: String, value: String)]
    /// Not sent in answer to HEAD, nor with 204 and 304.
    public var body: [UInt8]
    /// Closes the connection after this answer. HTTP/1 only: there it cannot be known what the client's next bytes are. Over HTTP/2 frames tell,
    /// whatever became of one stream, and the others have no part in it.
    public var close = false
    /// Makes it a stream: called on the worker's loop once the head is out, in the place of `body`. Never called in answer to HEAD, nor where the client has
    /// gone meanwhile. No time limit holds for a stream but the client's own.
    public var stream: (@Sendable (OwnStream) -> Void)?

    public init(status: Int, fields: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }
}

/// Whatever answers requests whole: the portal under `/.menwei/`, the operations listener, the simulator, the demo's sample application.
/// One instance per worker; it is only ever called on that worker's loop.
public protocol Responder: AnyObject {
    func respond(to request: OwnRequest) async -> OwnResponse
}
