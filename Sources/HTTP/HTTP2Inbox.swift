import Bytes

/// What nghttp2's callbacks write into: events, and what the pump has to do after them. Callbacks never call nghttp2 back except to look a stream up.
@safe struct HTTP2Inbox: ~Copyable {
    var streams = HTTP2StreamTable()
    var events: [HTTP2Event] = []
    var budget: HTTP2FrameBudget
    var scanner = HTTP2FrameScanner()
    var history = HTTP2StreamHistory()
    /// The bound that the client broke, where `failure` is for that.
    private(set) var abuse: HTTP2Abuse?
    var builder: HTTP2HeadBuilder
    /// The place of the stream whose header block is being read; nil: of no stream that is known.
    var current: Int?
    /// The connection must end for this.
    var failure: ProtocolFault?
    /// Streams to reset, with a code, once nghttp2 has returned.
    var resets: [(stream: Int32, code: UInt32)] = []
    /// Streams whose last DATA frame went out and whose trailers come next.
    var trailersDue: [Int32] = []
    /// Body bytes that nobody will read, to be given back to the connection's window.
    var owed = 0
    /// The client acknowledged the ping that followed the shutdown notice.
    var drainAcknowledged = false
    var clientGoesAway = false
    /// Where the input of the running `receive` begins. Valid during that call only.
    var input: UnsafePointer<UInt8>?
    /// The caller's queue while `fillOutput` runs, the response bodies' way out.
    var output = ByteQueue()
    /// Bytes of response bodies that wait in all streams' queues.
    private(set) var waiting = 0
    /// More than a connection may hold: no stream's queue is to be filled again before it is empty.
    private var isCrowded: Bool { waiting > limit }
    private let mark: Int
    private let limit: Int
    private let heads: RequestHeadPool

    private let unwantedBody: Int

    init(limits: HTTP2Limits, heads: RequestHeadPool) {
        self.heads = heads
        budget = HTTP2FrameBudget(limits.frames)
        builder = HTTP2HeadBuilder(limits)
        mark = limits.writableMark
        limit = limits.answerQueues
        unwantedBody = limits.unwantedBody
        unsafe input = nil
    }

    /// Gives back the memory that was kept for the next stream; it may be long in coming.
    mutating func rest() {
        guard streams.open == 0 else { return }
        streams.rest()
        if events.isEmpty { events = [] }
        resets = []
        trailersDue = []
    }

    // MARK: heads

    mutating func beginRequest(_ id: Int32) -> Int {
        let index = streams.take(id)
        current = index
        builder.begin(heads.take())
        return index
    }

    mutating func beginTrailers(_ index: Int?) {
        current = index
        builder.begin(heads.take())
    }

    func recycle(_ head: inout RequestHead) { heads.give(&head) }

    private mutating func recycleBuilt() {
        var head = builder.take()
        recycle(&head)
    }

    mutating func endRequest(endStream: Bool) {
        guard let index = current else { return }
        current = nil
        let id = streams[index].id
        switch builder.finish(endStream: endStream) {
        case .complete:
            streams[index].head = builder.take()
            streams[index].urgency = builder.urgency
            streams[index].isAnnounced = true
            streams[index].clientEnded = endStream
            events.append(.head(stream: id, endStream: endStream))
        case .fault(let fault):
            recycleBuilt()
            streams[index].isAnnounced = true
            streams[index].isRefused = true
            streams[index].clientEnded = endStream
            events.append(.fault(stream: id, fault))
        case .malformed:
            recycleBuilt()
            streams[index].isRefused = true
            resets.append((id, HTTP2ErrorCode.protocolError))
        }
    }

    mutating func endTrailers() {
        guard let index = current else { return }
        current = nil
        guard !streams[index].isRefused else { return streams[index].clientEnded = true }
        switch builder.finishTrailers() {
        case .complete:
            streams[index].clientEnded = true
            let trailers = builder.take().fields
            events.append(.end(stream: streams[index].id, trailers: trailers.entries.isEmpty ? nil : trailers))
        case .fault, .malformed:
            recycleBuilt()
            streams[index].isRefused = true
            resets.append((streams[index].id, HTTP2ErrorCode.protocolError))
        }
    }

    // MARK: bodies

    mutating func data(_ index: Int, offset: Int, count: Int) {
        guard !streams[index].isRefused, !streams[index].isReset, !streams[index].responseEnded else { return drop(index, count) }
        streams[index].unconsumed &+= count
        events.append(.data(stream: streams[index].id, offset: offset, count: count))
    }

    /// Nobody wants the body any more. A client that still sends a good deal of it after its answer is told to stop (RFC 9113 8.1); not at once,
    /// since curl loses an answer that a RST_STREAM follows.
    private mutating func drop(_ index: Int, _ count: Int) {
        owed &+= count
        streams[index].dropped &+= count
        if streams[index].responseEnded, !streams[index].isReset, streams[index].dropped > unwantedBody {
            streams[index].isReset = true
            resets.append((streams[index].id, HTTP2ErrorCode.noError))
        }
    }

    mutating func endData(_ index: Int) {
        streams[index].clientEnded = true
        guard !streams[index].isRefused, !streams[index].isReset else { return }
        events.append(.end(stream: streams[index].id, trailers: nil))
    }

    /// Adds to the body of a stream's response.
    mutating func add(_ index: Int, _ bytes: Span<UInt8>) {
        streams[index].queue.append(bytes)
        waiting &+= bytes.count
        if streams[index].queue.count > mark { streams[index].wasAboveMark = true }
    }

    /// Whether more of a stream's response may be added, of which `high` bytes may wait. Where not, `writable` comes when it may.
    mutating func takesMore(_ index: Int, high: Int) -> Bool {
        let count = streams[index].queue.count
        if count == 0 || count < high && !isCrowded { return true }
        streams[index].wasAboveMark = true
        return false
    }

    /// Forgets what waits of a stream's response.
    mutating func dropQueue(_ index: Int) {
        waiting &-= streams[index].queue.count
        streams[index].queue.removeAll()
    }

    /// Moves a DATA frame, its header and `count` bytes of the stream's queue, to the output.
    mutating func move(_ index: Int, count: Int, header: Span<UInt8>) {
        output.append(header)
        output.append(streams[index].queue.bytes.extracting(first: count))
        streams[index].queue.consume(count)
        waiting &-= count
        // A window update for every frame is honest; for every byte it is not.
        if count >= 16 { budget.earn(.windowUpdate, 2 &+ count >> 10) }
        if streams[index].wasAboveMark, streams[index].queue.count <= (isCrowded ? 0 : mark) {
            streams[index].wasAboveMark = false
            if !streams[index].isFinished { events.append(.writable(stream: streams[index].id)) }
        }
    }

    /// The gateway's last frame of a stream went out.
    mutating func responseEnded(_ index: Int) { streams[index].responseEnded = true }

    // MARK: ends

    mutating func close(_ index: Int, code: UInt32) {
        let id = streams[index].id
        if current == index { current = nil }
        owed &+= streams[index].unconsumed
        if !streams[index].clientEnded && !streams[index].clientReset { history.wasCut(id) }
        if streams[index].isAnnounced {
            if dropUnseen(id) {
                // The caller never heard of it: a request that is withdrawn in the same breath costs no upstream anything.
            } else {
                let isDone = streams[index].clientEnded && streams[index].responseEnded
                if !isDone && !streams[index].isReset { events.append(.reset(stream: id, code: code)) }
                events.append(.closed(stream: id))
            }
        }
        var head = RequestHead()
        swap(&head, &streams[index].head)
        if head.fields.arena.capacity > 0 { recycle(&head) }
        dropQueue(index)
        streams.free(index)
    }

    /// Removes the events of a stream whose head still lies among them, and tells whether it did.
    private mutating func dropUnseen(_ id: Int32) -> Bool {
        let isUnseen = events.contains { event in
            switch event {
            case .head(id, _), .fault(id, _): true
            default: false
            }
        }
        if isUnseen { events.removeAll { $0.stream == id } }
        return isUnseen
    }

    // MARK: budgets

    mutating func spend(_ kind: HTTP2FrameBudget.Kind) {
        if !budget.spend(kind) { fail(.init(kind), Self.flood) }
    }

    /// The connection must end because the client broke this bound.
    mutating func fail(_ abuse: HTTP2Abuse, _ fault: ProtocolFault) {
        guard failure == nil else { return }
        failure = fault
        self.abuse = abuse
    }

    static let flood = ProtocolFault("h2-flood")
    static let closedStream = ProtocolFault("h2-stream-closed")
    static let hugeHead = ProtocolFault("h2-huge-head", status: 431)
}
