/// What one HTTP/2 client connection may ask of the gateway. Every bound has a name, a unit and a reason; the defaults are what browsers,
/// curl and gRPC never reach in honest use.
public struct HTTP2Limits: Sendable {
    /// SETTINGS_MAX_CONCURRENT_STREAMS (RFC 9113 6.5.2): requests open at once.
    public var concurrentStreams: UInt32 = 128
    /// Bytes of request body that may lie unread in the gateway, per stream, at first (SETTINGS_INITIAL_WINDOW_SIZE).
    public var streamWindow: UInt32 = 256 << 10
    /// Bytes of request bodies that may lie unread in the gateway, per connection, at first.
    public var connectionWindow: UInt32 = 1 << 20
    /// Bytes up to which a stream's window grows, doubling, while its body is passed on as fast as it comes: a window is what fits on the way
    /// between two looks at it, and a small one makes a fast client wait. It does not shrink again: it ends with its stream, and all of them together
    /// hold no more than the connection's window.
    public var streamWindowGrown: UInt32 = 512 << 10
    /// Bytes up to which the connection's window grows with its streams'. It bounds what a connection's bodies hold whose upstreams stop taking them.
    public var connectionWindowGrown: UInt32 = 1 << 20
    /// Bytes of a decoded head: names, values, and 4 a field, which is what the same head takes in HTTP/1. Also what
    /// SETTINGS_MAX_HEADER_LIST_SIZE tells the client. More: 431.
    public var headBytes = 32 << 10
    /// Fields of a head or trailer section, cookie crumbs counted (RFC 9113 8.2.3), pseudo-header fields not. More: 431.
    public var fields = 200
    /// Bytes of `:path`. More: 414.
    public var targetBytes = 16 << 10
    /// How many times `headBytes` or `fields` a head may take before it is no longer answered but the connection closed: decoding references
    /// of one byte each costs the gateway, not the client (the "HTTP/2 bomb").
    public var abuseFactor = 8
    /// CONTINUATION frames behind one HEADERS frame.
    public var continuations = 8
    /// Acknowledgements of SETTINGS and PING that may wait because the client does not read.
    public var pendingAcknowledgements = 256
    /// Frames that may wait to be sent because the client does not read: heads, windows, refusals.
    public var unreadFrames = 2048
    /// Bytes of one response that wait for the client, above which no more of it is taken from its upstream.
    public var answerQueue = 64 << 10
    /// Bytes of all responses of a connection that wait for the client. Above it each may hold what one read brings and no more: a client that stalls
    /// many streams holds little, and those that it does take go on.
    public var answerQueues = 1 << 20
    /// Bytes of a response queue at or under which a stream that was above it is reported `writable` again.
    public var writableMark = 32 << 10
    /// Bytes of a body that may still come after its request was answered; then the stream ends with NO_ERROR.
    public var unwantedBody = 64 << 10
    /// Budgets of frames that cost the gateway more than the client.
    public var frames = HTTP2FrameBudget.Allowances()

    public init() {}
}

/// Error codes of RST_STREAM and GOAWAY (RFC 9113 section 7) that the gateway sends or looks at.
public enum HTTP2ErrorCode {
    public static let noError: UInt32 = 0x0
    public static let protocolError: UInt32 = 0x1
    public static let internalError: UInt32 = 0x2
    public static let streamClosed: UInt32 = 0x5
    public static let refusedStream: UInt32 = 0x7
    public static let cancel: UInt32 = 0x8
    public static let enhanceYourCalm: UInt32 = 0xb
}
