/// Follows a message body of HTTP/1 to its end, in whichever way that is marked (RFC 9112 section 6.3). Payload is never copied: events
/// name ranges of the input.
struct BodyDecoder: Sendable {
    private enum State: Sendable {
        case exactly(UInt64)
        case chunked
        case trailers
        case untilEnd
    }

    private let limits: HeadLimits
    private var state = State.exactly(0)
    private var chunks = ChunkDecoder()
    private var scanner = LineScanner()

    init(limits: HeadLimits) { self.limits = limits }

    mutating func begin(_ length: BodyLength) {
        switch length {
        case .none: state = .exactly(0)
        case .exactly(let count): state = .exactly(count)
        case .untilEnd: state = .untilEnd
        case .chunked:
            state = .chunked
            chunks = ChunkDecoder()
            scanner = LineScanner()
        }
    }

    /// Everything was read; only the event is still to be told.
    var isAtEnd: Bool {
        if case .exactly(0) = state { true } else { false }
    }

    /// The connection ended: whether that is where the body ends too.
    var mayEndHere: Bool {
        switch state {
        case .untilEnd, .exactly(0): true
        case .exactly, .chunked, .trailers: false
        }
    }

    mutating func next(_ input: Span<UInt8>, trailers: inout Fields) throws(ProtocolFault) -> ParserEvent {
        switch state {
        case .exactly(0): return .end(consumed: 0)
        case .exactly(let remaining):
            guard !input.isEmpty else { return .needMore }
            let count = Int(min(remaining, UInt64(input.count)))
            state = .exactly(remaining - UInt64(count))
            return .body(skip: 0, count: count)
        case .untilEnd: return input.isEmpty ? .needMore : .body(skip: 0, count: input.count)
        case .chunked:
            switch try chunks.next(input) {
            case .needMore: return .needMore
            case .skip(let count): return .skip(consumed: count)
            case .data(let skip, let count): return .body(skip: skip, count: count)
            case .trailers(let count):
                state = .trailers
                return .skip(consumed: count)
            }
        case .trailers: return try readTrailers(input, into: &trailers)
        }
    }

    private mutating func readTrailers(_ input: Span<UInt8>, into trailers: inout Fields) throws(ProtocolFault) -> ParserEvent {
        while let line = try scanner.next(input, limit: limits.trailerBytes) {
            if line.isEmpty {
                trailers.adopt(input.extracting(0..<scanner.lineStart))
                state = .exactly(0)
                return .end(consumed: scanner.lineStart)
            }
            guard trailers.entries.count < limits.trailerFields else { throw ProtocolFault("too-many-trailers", status: 431) }
            trailers.entries.append(try FieldLine.parse(input, line, base: 0))
        }
        guard input.count < limits.trailerBytes else { throw ProtocolFault("trailers-too-large", status: 431) }
        return .needMore
    }
}
