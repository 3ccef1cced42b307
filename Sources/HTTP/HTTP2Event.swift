/// What a client's bytes meant. Events of a stream come in this order: `head` or `fault`, `data`…, `end`, then `reset` where it ended before its
/// time, and `closed` last of all. A stream that was malformed before its head was whole is never heard of.
public enum HTTP2Event: Sendable {
    /// A request's head is whole: `HTTP2Session.takeHead(stream:)` moves it out. With `endStream` no body and no `end` follow.
    case head(stream: Int32, endStream: Bool)
    /// A request whose head is refused, but which can be answered: with `fault.status` (400, 405, 414, 417, 431). Its body is not delivered.
    case fault(stream: Int32, ProtocolFault)
    /// `count` bytes of request body at `offset` of the input that was given to `receive`. They hold the client's windows until
    /// `HTTP2Session.consume(stream:_:)`.
    case data(stream: Int32, offset: Int, count: Int)
    /// The request's body is whole.
    case end(stream: Int32, trailers: Fields?)
    /// The response's queue has fallen to `HTTP2Limits.writableMark`.
    case writable(stream: Int32)
    /// The stream ended before both sides had ended it: RST_STREAM by the client, or by the gateway for a fault of the client's (malformed
    /// trailers, a body that is not as long as `content-length` says). The upstream must not take what came for a whole request.
    case reset(stream: Int32, code: UInt32)
    /// The stream is gone; its number means nothing any more.
    case closed(stream: Int32)

    var stream: Int32 {
        switch self {
        case .head(let stream, _), .fault(let stream, _), .data(let stream, _, _), .end(let stream, _), .writable(let stream),
            .reset(let stream, _), .closed(let stream): stream
        }
    }
}
