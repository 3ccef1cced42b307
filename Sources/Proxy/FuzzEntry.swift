/// Follows any bytes as a WebSocket's, whole and in pieces, for the fuzzer and for kept inputs; what is wrong with the answer, or nil. The first
/// byte says how long the pieces are.
public func fuzzWebSocketFrames(_ input: [UInt8]) -> String? {
    guard let first = input.first else { return nil }
    let bytes = Array(input.dropFirst())
    var whole = WebSocketFrameCursor()
    if whole.advance(over: bytes.span, stopAtBoundary: false) != bytes.count { return "bytes were left though nobody asked to stop" }
    var pieces = WebSocketFrameCursor()
    var borders = WebSocketFrameCursor()
    var at = 0
    while at < bytes.count {
        let piece = Array(bytes[at..<min(bytes.count, at + 1 + Int(first & 15))])
        if pieces.advance(over: piece.span, stopAtBoundary: false) != piece.count { return "bytes of a piece were left though nobody asked to stop" }
        // Whoever stops at each boundary comes just as far, a frame at a time.
        var done = 0
        while done < piece.count {
            if borders.isAtBoundary { done += borders.advance(over: Array(piece[done...(done)]).span, stopAtBoundary: false) }
            done += borders.advance(over: Array(piece[done...]).span, stopAtBoundary: true)
            if done < piece.count && !borders.isAtBoundary { return "it stopped between two boundaries" }
        }
        at += piece.count
        if pieces.isAtBoundary != borders.isAtBoundary { return "stopping at boundaries changes where they are" }
    }
    return pieces.isAtBoundary == whole.isAtBoundary ? nil : "how the bytes are cut changes where a frame ends"
}
