/// What is known of streams that are no more: RFC 9113 section 5.1 tells frames for a stream that the client itself ended (an error) from those which
/// it sent before it knew that the gateway had cut the stream off (to be ignored).
struct HTTP2StreamHistory {
    enum Verdict: Equatable {
        /// The stream may be open: nghttp2 judges.
        case ordinary
        /// The client ended it before.
        case closed
        /// It never was, and can be no more: a higher one was opened.
        case unexpected
    }

    /// The highest stream that the client opened.
    private(set) var last: Int32 = 0
    private var hasGaps = false
    /// Streams that the gateway cut off while the client still had something to say; the oldest is forgotten first.
    private var cut: [Int32] = []
    private var oldest = 0
    /// Streams.
    static let remembered = 128

    /// Whether only the table of open streams can tell what a frame of this stream is.
    func needsTable(_ frame: HTTP2FrameScanner.Frame) -> Bool { frame.stream <= last && frame.stream & 1 == 1 }

    mutating func opened(_ stream: Int32) {
        if stream <= last || stream & 1 == 0 { return }
        if stream != (last == 0 ? 1 : last &+ 2) { hasGaps = true }
        last = stream
    }

    mutating func wasCut(_ stream: Int32) {
        if cut.count < Self.remembered { return cut.append(stream) }
        cut[oldest] = stream
        oldest = (oldest &+ 1) % Self.remembered
    }

    /// Judges HEADERS or DATA for a stream that is not open and not above `last`.
    func judge(_ stream: Int32) -> Verdict {
        if cut.contains(stream) { return .ordinary }
        return hasGaps ? .unexpected : .closed
    }
}
