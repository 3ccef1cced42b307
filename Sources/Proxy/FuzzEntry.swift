import Bytes

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

/// Reads any bytes as a PROXY header, whole and as they come, for the fuzzer and for kept inputs; what is wrong with the answer, or nil.
public func fuzzProxyProtocol(_ input: [UInt8]) -> String? {
    func read(_ count: Int) -> Result<ProxyHeader, ProxyHeaderFault> {
        do throws(ProxyHeaderFault) { return .success(try ProxyHeader.parse(Array(input.prefix(count)).span)) } catch { return .failure(error) }
    }
    let whole = read(input.count)
    var isDecided = false
    for count in 0...min(input.count, ProxyHeader.version2Limit + 1) {
        switch read(count) {
        case .success(.needsMore):
            if isDecided { return "what was decided is open again" }
            if count >= ProxyHeader.version2Limit { return "more is wanted than a header may have" }
        case let answer:
            isDecided = true
            if answer != whole { return "bytes behind the header change what it says" }
            if case .success(let header) = answer, header.length != count { return "it was decided later than it could have been" }
        }
        if isDecided, case .success = whole { break }
    }
    return nil
}

extension ProxyHeader {
    fileprivate var length: Int? {
        switch self {
        case .needsMore: nil
        case .client(_, let length), .local(let length): length
        }
    }
}
