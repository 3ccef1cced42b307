public import HTTP

/// The named limits of a server's client side. Each has a test.
public struct ServerLimits: Sendable {
    /// From accept to the end of the TLS handshake, the PROXY header before it included.
    public var handshake = Duration.seconds(10)
    /// How long a handshake is left alone when there are too many: who is at it for longer makes room for newcomers.
    public var handshakeGrace = Duration.seconds(1)
    /// From the first byte of a request to the end of its head.
    public var head = Duration.seconds(15)
    /// Between requests of a kept connection.
    public var keepAlive = Duration.seconds(75)
    /// Without progress while a body is awaited from the client, or an answer cannot be written to it.
    public var stall = Duration.seconds(60)
    /// When the server drains: how long a client that has been served may still send a request that was on its way. Who has just come gets `linger`.
    public var lastRequest = Duration.milliseconds(250)
    /// How long a closing connection is still read without a byte coming, so that the client gets to see the answer (RFC 9112 section 9.6).
    public var linger = Duration.seconds(2)
    /// The same, while bytes come.
    public var lingerTotal = Duration.seconds(30)
    /// For an answer of the gateway's own, which may wait for the store and for WeCom. Calls to WeCom have shorter limits of their own; this one is for
    /// what hangs.
    public var ownAnswer = Duration.seconds(45)
    /// For a form that is to be kept until after the login to arrive whole: 1 MiB at 70 kbit/s.
    public var keptForm = Duration.seconds(120)
    /// Bytes of a refused body that are read and dropped to keep the connection.
    public var drain = 64 << 10
    /// Bytes waiting for a slow client above which its upstream is not read any more.
    public var highWater = 256 << 10
    /// Bytes that wait for the clients of one worker, of all connections together. Beyond them each answer may hold what one read of its upstream brings
    /// and no more: those that are taken go on, and those that stand still hold little.
    public var answers = 128 << 20
    /// Bytes read at once.
    public var readSize = 32 << 10
    /// Connections of one worker. Beyond them idle ones make room, and where none is idle the newest is refused.
    public var connections = 60_000
    /// Connections of one worker from one address (of IPv6: one /64). A whole office may come from one; it must not take all there are.
    public var connectionsPerAddress = 15_000
    /// Handshakes of one worker that are under way at the same time.
    public var handshakes = 2048
    /// A client's descriptor has a lower number, so that some are left for upstreams, the store, WeCom and the operations listener.
    public var descriptors = Int32.max
    /// Bytes and fields of one request's head.
    public var requestHead = HeadLimits.request
    /// Streams, windows and frame budgets of one HTTP/2 connection.
    public var http2 = HTTP2Limits()

    public init() {}
}
