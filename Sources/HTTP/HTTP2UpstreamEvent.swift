/// What an upstream's bytes meant. Events of a stream come in this order: `head` (interim ones first), `data`…, `end`, and `closed` last of all.
public enum HTTP2UpstreamEvent: Sendable {
    /// The upstream's first SETTINGS came: it speaks HTTP/2, and `HTTP2UpstreamSession.concurrentStreams` is known.
    case ready
    /// The head of an answer, interim ones (100…199) included.
    case head(stream: Int32, ResponseHead)
    /// `count` bytes of the answer's body at `offset` of the input that was given to `receive`. They hold the stream's window until
    /// `HTTP2UpstreamSession.consume(stream:_:)`.
    case data(stream: Int32, offset: Int, count: Int)
    /// The answer is whole.
    case end(stream: Int32, trailers: Fields)
    /// The request's queue has fallen to `HTTP2UpstreamLimits.writableMark`.
    case writable(stream: Int32)
    /// The stream is gone. Where no `end` came before, the answer is not whole. `isUnprocessed`: the upstream certainly did nothing of the request (RFC 9113
    /// section 8.7): it never left, was refused (REFUSED_STREAM), or lies above what GOAWAY named.
    case closed(stream: Int32, isUnprocessed: Bool)
}

/// What one HTTP/2 connection to an upstream may use. Each bound has a name, a unit and a reason.
public struct HTTP2UpstreamLimits: Sendable {
    /// Streams open at once, where the upstream allows more or names no limit: beyond them another connection serves better.
    public var concurrentStreams = 128
    /// Bytes of an answer that may lie unread in the gateway, per stream (SETTINGS_INITIAL_WINDOW_SIZE).
    public var streamWindow: UInt32 = 256 << 10
    /// Bytes of answers that may be under way, per connection. It is opened as soon as bytes arrive: one client that does not read must not hold up
    /// the others that share the connection; the streams' own windows bound what lies here.
    public var connectionWindow: Int32 = 16 << 20
    /// Bytes and fields of an answer's head, and of its trailers.
    public var head = HeadLimits.response
    /// CONTINUATION frames behind one HEADERS frame.
    public var continuations = 8
    /// Acknowledgements of SETTINGS and PING that may wait because the upstream does not read.
    public var pendingAcknowledgements = 256
    /// Bytes of a request's queue at or under which a stream that was above it is reported `writable` again.
    public var writableMark = 32 << 10

    public init() {}
}
