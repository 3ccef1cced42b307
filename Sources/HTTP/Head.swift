
/// A request method. Methods that the gateway treats alike are `other`; their token lies in the head's arena.
public enum Method: UInt8, Sendable {
    case get, head, post, put, delete, options, patch, connect, trace, other
}

public enum HTTPVersion: UInt8, Sendable, Comparable {
    case http10, http11, http2
    @inlinable public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// How the end of a message body is known (RFC 9112 section 6.3).
public enum BodyLength: Equatable, Sendable {
    case none
    /// Exactly that many bytes, at least 1.
    case exactly(UInt64)
    case chunked
    /// HTTP/2: END_STREAM says so. HTTP/1 responses: the connection's end says so.
    case untilEnd
}

/// The head of a request, from HTTP/1 or HTTP/2 alike. Ranges point into `fields.arena`.
public struct RequestHead: Sendable {
    public var method = Method.get
    public var version = HTTPVersion.http11
    /// The method's token as it came.
    public var methodBytes = 0..<0
    /// The request target's path and query in origin form (`/a?b`), or `*`. An absolute form was taken apart by the parser.
    public var target = 0..<0
    /// The authority: of the absolute form or `:authority` where there is one, else of `Host`. Empty only in HTTP/1.0 without Host.
    public var authority = 0..<0
    public var fields = Fields()
    public var body = BodyLength.none
    /// HTTP/1: the connection may serve another request after this one.
    public var keepAlive = true
    /// `Expect: 100-continue` was asked for (and there is a body).
    public var expectsContinue = false
    /// A well-formed WebSocket handshake: RFC 6455 section 4.2.1 on HTTP/1.1; on HTTP/2 an extended CONNECT (RFC 8441), which is told as the GET that it
    /// becomes.
    public var isWebSocket = false
    /// HTTP/1: `Upgrade` was present in any form.
    public var hasUpgrade = false

    @inlinable public init() {}

    @inlinable public mutating func reset() {
        fields.removeAll()
        method = .get
        version = .http11
        methodBytes = 0..<0
        target = 0..<0
        authority = 0..<0
        body = .none
        keepAlive = true
        expectsContinue = false
        isWebSocket = false
        hasUpgrade = false
    }
}

/// The head of a response, read from an upstream or made by the gateway.
public struct ResponseHead: Sendable {
    /// 100…999
    public var status: UInt16 = 200
    public var version = HTTPVersion.http11
    public var fields = Fields()
    /// The framing of the body on the upstream's side; `.none` where the status or the request's method forbids one.
    public var body = BodyLength.none
    public var keepAlive = true

    @inlinable public init() {}

    @inlinable public mutating func reset() {
        fields.removeAll()
        status = 200
        version = .http11
        body = .none
        keepAlive = true
    }
}

/// Why a peer's bytes are refused. `status` is what a client is told where it can still be told something.
public struct ProtocolFault: Error, Equatable, Sendable {
    public struct Code: RawRepresentable, Hashable, Sendable {
        public var rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
    }
    /// A short, fixed word for records and metrics (never the peer's bytes): `bare-lf`, `two-content-lengths`, …
    public var code: Code
    /// 400, 405, 414, 417, 421, 431, 501, 505
    public var status: UInt16

    public init(_ code: String, status: UInt16 = 400) {
        self.code = Code(rawValue: code)
        self.status = status
    }
}
