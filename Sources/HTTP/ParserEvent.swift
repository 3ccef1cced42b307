/// What a parser of HTTP/1 found at the front of the bytes it was shown. The caller drops as many bytes as the event says and asks again.
public enum ParserEvent: Equatable, Sendable {
    /// Nothing can be said before more bytes come. Nothing is consumed.
    case needMore
    /// The head is complete and lies in `head`.
    case head(consumed: Int)
    /// `skip` bytes of framing, then `count` bytes of payload (at least 1); consume both.
    case body(skip: Int, count: Int)
    /// Framing alone.
    case skip(consumed: Int)
    /// The message is complete; its trailers, if any, are in `trailers`.
    case end(consumed: Int)

    /// How many bytes of the input are done with.
    @inlinable public var consumed: Int {
        switch self {
        case .needMore: 0
        case .head(let consumed), .skip(let consumed), .end(let consumed): consumed
        case .body(let skip, let count): skip &+ count
        }
    }
}
