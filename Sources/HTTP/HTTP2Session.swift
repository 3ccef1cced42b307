public import Bytes

/// The server's side of one HTTP/2 connection (RFC 9113): a machine that eats and emits bytes, over nghttp2.
///
/// The caller's pump is: `receive` what the client sent, `takeEvents` and act on them (submit heads, send bodies, consume what was passed on),
/// `fillOutput` and write, then `takeEvents` once more, since what is sent opens queues and closes streams. Calls that name a stream which is
/// gone do nothing. Not re-entrant, not shared: it lives on one worker.
public final class HTTP2Session {
    private let engine: HTTP2Engine
    private let answerQueue: Int
    private let unreadFrames: Int
    /// Bytes: of a stream at first and at the most, of the connection now and at the most.
    private var windows: (stream: Int, streamGrown: Int, connection: Int, connectionGrown: Int)
    private enum Phase { case open, noticeSent, goingAway, failed }
    private var phase = Phase.open

    /// - Parameter heads: the worker's.
    public init(limits: HTTP2Limits = HTTP2Limits(), heads: RequestHeadPool = RequestHeadPool()) {
        engine = HTTP2Engine(limits: limits, heads: heads)
        answerQueue = limits.answerQueue
        unreadFrames = limits.unreadFrames
        windows = (
            Int(limits.streamWindow), Int(limits.streamWindowGrown), Int(limits.connectionWindow), Int(limits.connectionWindowGrown)
        )
    }

    // MARK: bytes in

    /// Feeds all of `input`. A fault means that the connection must end: the GOAWAY that says why is still to be written (`fillOutput`), nothing
    /// more is to be read, no event is left, and the streams are over without further word. Errors which nghttp2 itself ends the connection for show in `wantsIO` only.
    public func receive(_ input: Span<UInt8>, now: MonotonicTime) throws(ProtocolFault) {
        if phase == .failed { throw engine.inbox.failure ?? HTTP2Inbox.flood }
        engine.inbox.budget.refill(now: now)
        feed(input)
        if engine.waitingFrames > unreadFrames { engine.inbox.fail(.unreadFrames, HTTP2Inbox.flood) }
        settle()
        if let failure = engine.inbox.failure {
            // What came in one breath with an attack is not worth an upstream's while.
            engine.inbox.events.removeAll()
            throw failure
        }
    }

    /// Shows nghttp2 the frames, up to the first that breaks a budget or belongs to a stream that is over.
    private func feed(_ input: Span<UInt8>) {
        var position = 0
        var fed = 0
        while let (frame, at) = engine.inbox.scanner.next(input, &position) {
            if let kind = frame.budget { engine.inbox.spend(kind) }
            if engine.inbox.failure != nil { return }
            if phase == .goingAway || !(frame.isData || frame.isHeaders || frame.isPriority) { continue }
            if frame.isPriority || engine.inbox.history.needsTable(frame) {
                // What came before may have closed the stream.
                if at > fed {
                    guard engine.receive(input, fed..<at) else { return }
                    fed = at
                }
                judge(frame)
                if engine.inbox.failure != nil { return }
            } else if frame.isHeaders {
                engine.inbox.history.opened(frame.stream)
            }
        }
        _ = engine.receive(input, fed..<input.count)
    }

    private func judge(_ frame: HTTP2FrameScanner.Frame) {
        let isOpen = engine.index(frame.stream) != nil
        if frame.isPriority {
            // RFC 7540 sections 5.3.1 and 6.3; nghttp2 looks at no priorities of that kind.
            if frame.stream == 0 || frame.dependency == frame.stream && frame.stream > engine.inbox.history.last {
                engine.inbox.failure = ProtocolFault("h2-priority")
            } else if frame.dependency == frame.stream, isOpen {
                engine.inbox.resets.append((frame.stream, HTTP2ErrorCode.protocolError))
            }
        } else if !isOpen {
            switch engine.inbox.history.judge(frame.stream) {
            case .ordinary: break
            case .closed: engine.inbox.failure = HTTP2Inbox.closedStream
            case .unexpected: engine.inbox.failure = ProtocolFault("h2-stream-number")
            }
        }
    }

    /// The bound that the client broke, where `receive` or `fillOutput` ended the connection for that.
    public var abuse: HTTP2Abuse? { engine.inbox.abuse }

    /// What has happened since the last time, in order.
    public var events: [HTTP2Event] { engine.inbox.events }

    /// Moves the events out, into the memory of `spent`, whose old content is forgotten.
    public func takeEvents(_ spent: inout [HTTP2Event]) {
        spent.removeAll(keepingCapacity: true)
        swap(&spent, &engine.inbox.events)
    }

    public func takeEvents() -> [HTTP2Event] {
        var taken: [HTTP2Event] = []
        swap(&taken, &engine.inbox.events)
        return taken
    }

    /// Moves a finished head out. Only after its `head` event, and once.
    public func takeHead(stream: Int32) -> RequestHead {
        var head = RequestHead()
        if let index = engine.index(stream) { swap(&head, &engine.inbox.streams[index].head) }
        return head
    }

    /// Gives a head's memory back for the next request.
    public func recycle(_ head: inout RequestHead) { engine.inbox.recycle(&head) }

    /// `count` bytes of a request's body were passed on: as much may come again. Everything that was announced by `data` events must be consumed
    /// sooner or later; what is left when a stream closes is given back by itself.
    public func consume(stream: Int32, _ count: Int) {
        guard let index = engine.index(stream) else { return }
        let count = min(max(0, count), engine.inbox.streams[index].unconsumed)
        if count == 0 { return }
        engine.inbox.streams[index].unconsumed -= count
        engine.consume(stream, count)
        grow(index, stream, count)
    }

    private func grow(_ index: Int, _ stream: Int32, _ count: Int) {
        let waiting = engine.inbox.streams[index].unconsumed
        let limits = windows
        guard let size = engine.inbox.streams[index].window.passedOn(count, waiting: waiting, from: limits.stream, to: limits.streamGrown) else { return }
        engine.widen(stream, to: size)
        if 2 * size > limits.connection, limits.connection < limits.connectionGrown {
            windows.connection = min(limits.connectionGrown, 2 * size)
            engine.widen(0, to: windows.connection)
        }
    }

    // MARK: bytes out

    /// Moves frames to `out` until about `limit` bytes wait there, or there are none to send. Window and queue permitting, DATA frames carry up
    /// to 16 KiB.
    public func fillOutput(_ out: inout ByteQueue, limit: Int) {
        swap(&out, &engine.inbox.output)
        var mayGoOn = engine.send(limit: limit)
        while mayGoOn && settle() && engine.inbox.output.count < limit { mayGoOn = engine.send(limit: limit) }
        swap(&out, &engine.inbox.output)
        if !mayGoOn && engine.inbox.failure == nil {
            engine.inbox.failure = ProtocolFault("h2-internal", status: 500)
            phase = .failed
        }
    }

    /// Whether bytes are expected from the client, and whether there are any to write. Neither: the connection is over.
    public var wantsIO: (read: Bool, write: Bool) {
        (engine.wantsRead && phase != .failed, engine.wantsWrite)
    }

    /// Nothing has happened for a while: gives back what was kept for the next streams. Does nothing while any is open.
    public func rest() { engine.inbox.rest() }

    public var openStreams: Int { engine.inbox.streams.open }

    /// The client has sent GOAWAY: no more requests will come.
    public var clientGoesAway: Bool { engine.inbox.clientGoesAway }

    // MARK: responses

    /// Queues the head of the final response. Names are sent in lower case, connection-specific fields not at all; no check is made of values,
    /// which a parser or the gateway itself has made. With `endStream` nothing follows.
    public func submitHead(stream: Int32, _ head: borrowing ResponseHead, endStream: Bool) {
        guard let index = engine.index(stream), !engine.inbox.streams[index].isAnswered, !engine.inbox.streams[index].isReset else { return }
        engine.inbox.streams[index].isAnswered = true
        if endStream {
            engine.inbox.streams[index].isFinished = true
        } else {
            engine.schedule(stream, urgency: engine.inbox.streams[index].urgency)
        }
        if !engine.submit(.response(endStream: endStream), stream: stream, status: head.status, head.fields) {
            reset(stream: stream, code: HTTP2ErrorCode.internalError)
        }
    }

    /// Queues an interim response, status 100…199 but 101, before the final one.
    public func submitInformational(stream: Int32, status: UInt16, fields: Fields = Fields()) {
        guard let index = engine.index(stream), !engine.inbox.streams[index].isAnswered, !engine.inbox.streams[index].isReset,
            (100..<200).contains(status), status != 101
        else { return }
        _ = engine.submit(.informational, stream: stream, status: status, fields)
    }

    /// Adds bytes to the body of a response whose head was submitted without `endStream`. All are taken; `takesMore(stream:)` tells when to stop.
    public func send(stream: Int32, _ bytes: Span<UInt8>) {
        guard !bytes.isEmpty, let index = writable(stream) else { return }
        engine.inbox.add(index, bytes)
        wake(index, stream)
    }

    /// Ends the body of a response, with trailers where there are any.
    public func finish(stream: Int32, trailers: Fields? = nil) {
        guard let index = writable(stream) else { return }
        engine.inbox.streams[index].isFinished = true
        if let trailers, !trailers.entries.isEmpty { engine.inbox.streams[index].trailers = trailers }
        wake(index, stream)
    }

    /// Bytes of a response's body that wait for the client to read.
    public func queued(stream: Int32) -> Int {
        guard let index = engine.index(stream) else { return 0 }
        return engine.inbox.streams[index].queue.count
    }

    /// Bytes of all responses' bodies that wait for the client to read.
    public var queued: Int { engine.inbox.waiting }

    /// Whether more of a response's body should be sent. Where not, a `writable` event comes when it should. `isCrowded`: there is little memory for
    /// answers that wait, here or elsewhere.
    public func takesMore(stream: Int32, isCrowded: Bool = false) -> Bool {
        guard let index = engine.index(stream) else { return true }
        return engine.inbox.takesMore(index, high: isCrowded ? 0 : answerQueue)
    }

    /// Ends a stream at once. It is not heard of again but for `closed`.
    public func reset(stream: Int32, code: UInt32) {
        guard let index = engine.index(stream), !engine.inbox.streams[index].isReset else { return }
        engine.inbox.streams[index].isReset = true
        engine.inbox.dropQueue(index)
        engine.reset(stream, code: code)
    }

    private func writable(_ stream: Int32) -> Int? {
        guard let index = engine.index(stream), engine.inbox.streams[index].isAnswered, !engine.inbox.streams[index].isFinished,
            !engine.inbox.streams[index].isReset
        else { return nil }
        return index
    }

    private func wake(_ index: Int, _ stream: Int32) {
        guard engine.inbox.streams[index].isDeferred else { return }
        engine.inbox.streams[index].isDeferred = false
        engine.resume(stream)
    }

    // MARK: the end of the connection

    /// Graceful: tells the client to open no more streams, and once it has acknowledged that (or at the second call) which was the last one
    /// served. Open streams finish; after them `wantsIO` is false twice.
    public func drain() {
        switch phase {
        case .open:
            phase = .noticeSent
            engine.announceShutdown()
        case .noticeSent: goAway(code: HTTP2ErrorCode.noError)
        case .goingAway, .failed: break
        }
    }

    /// GOAWAY with the last stream that was accepted. Without an error the open streams finish; with one nothing more is read.
    public func goAway(code: UInt32) {
        guard phase != .failed else { return }
        if code == HTTP2ErrorCode.noError {
            if phase != .goingAway { engine.goAway(code: code) }
            phase = .goingAway
        } else {
            phase = .failed
            if engine.inbox.failure == nil { engine.inbox.failure = ProtocolFault("h2-closed") }
            engine.terminate(code: code)
        }
    }

    /// Does what the callbacks left to do; true if that gave nghttp2 something new.
    @discardableResult private func settle() -> Bool {
        var didSomething = false
        while let (stream, code) = engine.inbox.resets.popLast() {
            engine.reset(stream, code: code)
            didSomething = true
        }
        while let stream = engine.inbox.trailersDue.popLast() {
            sendTrailers(stream)
            didSomething = true
        }
        let owed = engine.inbox.owed
        if owed > 0 {
            engine.inbox.owed = 0
            engine.consumeConnection(owed)
            didSomething = true
        }
        if engine.inbox.drainAcknowledged, phase == .noticeSent {
            goAway(code: HTTP2ErrorCode.noError)
            didSomething = true
        }
        if let failure = engine.inbox.failure, phase != .failed {
            phase = .failed
            engine.terminate(code: HTTP2Engine.code(failure))
            didSomething = true
        }
        return didSomething
    }

    private func sendTrailers(_ stream: Int32) {
        guard let index = engine.index(stream), let trailers = engine.inbox.streams[index].trailers else { return }
        engine.inbox.streams[index].trailers = nil
        if !engine.submit(.trailers, stream: stream, status: 0, trailers) { engine.reset(stream, code: HTTP2ErrorCode.internalError) }
    }
}
