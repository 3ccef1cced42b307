import Bytes

/// What a session knows of one stream to an upstream.
final class HTTP2UpstreamStreamState {
    /// HEAD was asked: no body follows, whatever the head says.
    let forbidsBody: Bool
    /// The request's HEADERS went out.
    var isSent = false
    var hasEnded = false
    var isReset = false
    /// nghttp2 asked for data when there was none; it must be told when there is.
    var isDeferred = false
    /// Nothing more is added to `queue`.
    var isFinished = false
    var wasAboveMark = false
    var trailers: Fields?
    var queue = ByteQueue()

    init(forbidsBody: Bool) { self.forbidsBody = forbidsBody }
}

/// What nghttp2's callbacks write into: events, and what the pump has to do after them. Callbacks never call nghttp2 back.
@safe struct HTTP2UpstreamInbox: ~Copyable {
    var streams: [Int32: HTTP2UpstreamStreamState] = [:]
    var events: [HTTP2UpstreamEvent] = []
    var builder: HTTP2ResponseBuilder
    /// Streams whose last DATA frame went out and whose trailers come next.
    var trailersDue: [Int32] = []
    /// Body bytes that came, to be given back to the connection's window.
    var owed = 0
    var isReady = false
    /// The upstream has sent GOAWAY: it takes no new streams.
    var goesAway = false
    /// Where the input of the running `receive` begins. Valid during that call only.
    var input: UnsafePointer<UInt8>?
    /// The caller's queue while `fillOutput` runs.
    var output = ByteQueue()
    private let mark: Int

    init(limits: HTTP2UpstreamLimits) {
        builder = HTTP2ResponseBuilder(limits.head)
        mark = limits.writableMark
        unsafe input = nil
    }

    /// A block of the stream is whole: a head, or trailers.
    mutating func endBlock(_ id: Int32, isTrailers: Bool, endStream: Bool) {
        guard let stream = streams[id], !stream.isReset, !stream.hasEnded else { return }
        if isTrailers {
            // Trailers that end nothing are no trailers; nghttp2 has refused them already.
            guard endStream else { return }
            stream.hasEnded = true
            return events.append(.end(stream: id, trailers: builder.take(endStream: true, forbidsBody: true).fields))
        }
        events.append(.head(stream: id, builder.take(endStream: endStream, forbidsBody: stream.forbidsBody)))
        if endStream { end(id) }
    }

    mutating func data(_ id: Int32, offset: Int, count: Int) {
        owed &+= count
        guard let stream = streams[id], !stream.isReset, !stream.hasEnded else { return }
        events.append(.data(stream: id, offset: offset, count: count))
    }

    mutating func end(_ id: Int32) {
        guard let stream = streams[id], !stream.isReset, !stream.hasEnded else { return }
        stream.hasEnded = true
        events.append(.end(stream: id, trailers: Fields()))
    }

    /// Moves a DATA frame, its header and `count` bytes of the stream's queue, to the output.
    mutating func move(_ stream: HTTP2UpstreamStreamState, _ id: Int32, count: Int, header: Span<UInt8>) {
        output.append(header)
        output.append(stream.queue.bytes.extracting(first: count))
        stream.queue.consume(count)
        if stream.wasAboveMark, stream.queue.count <= mark {
            stream.wasAboveMark = false
            if !stream.isFinished { events.append(.writable(stream: id)) }
        }
    }

    mutating func close(_ id: Int32, code: UInt32) {
        guard let stream = streams.removeValue(forKey: id), !stream.isReset else { return }
        events.append(.closed(stream: id, isUnprocessed: !stream.isSent || code == HTTP2ErrorCode.refusedStream))
    }
}
