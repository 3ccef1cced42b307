public import Bytes

/// The gateway's side of one HTTP/2 connection to an upstream (RFC 9113): a machine that eats and emits bytes, over nghttp2.
///
/// The caller's pump is: `receive` what the upstream sent, `takeEvents` and act on them, `fillOutput` and write, then `takeEvents` once more, since what is
/// sent opens queues and closes streams. Calls that name a stream which is gone do nothing. Not re-entrant, not shared: it lives on one worker.
///
/// nghttp2 judges the frames: pseudo-header fields, connection-specific fields, a 101, a body that is not as long as `content-length` says, pushes. What is
/// wrong with one answer resets its stream, which is then `closed` without an `end`.
public final class HTTP2UpstreamSession {
    private let engine: HTTP2UpstreamEngine
    private let mark: Int
    private let ownLimit: Int
    private var isFailed = false

    public init(limits: HTTP2UpstreamLimits = HTTP2UpstreamLimits()) {
        engine = HTTP2UpstreamEngine(limits: limits)
        mark = limits.writableMark
        ownLimit = limits.concurrentStreams
    }

    // MARK: bytes in

    /// Feeds all of `input`. False: the upstream does not speak HTTP/2 or broke its rules; the GOAWAY that says why may still be written, and nothing more is to
    /// be read. Events that came before hold.
    public func receive(_ input: Span<UInt8>) -> Bool {
        if isFailed { return false }
        if !input.isEmpty, !engine.receive(input) { isFailed = true }
        settle()
        return !isFailed
    }

    /// Moves the events out, into the memory of `spent`, whose old content is forgotten.
    public func takeEvents(_ spent: inout [HTTP2UpstreamEvent]) {
        spent.removeAll(keepingCapacity: true)
        swap(&spent, &engine.inbox.events)
    }

    /// `count` bytes of an answer's body were passed on: as much may come again on that stream.
    public func consume(stream: Int32, _ count: Int) {
        if count > 0, engine.inbox.streams[stream] != nil { engine.consume(stream, count) }
    }

    // MARK: bytes out

    /// Moves frames to `out` until about `limit` bytes wait there, or there are none to send.
    public func fillOutput(_ out: inout ByteQueue, limit: Int) {
        swap(&out, &engine.inbox.output)
        var mayGoOn = engine.send(limit: limit)
        while mayGoOn && settle() && engine.inbox.output.count < limit { mayGoOn = engine.send(limit: limit) }
        swap(&out, &engine.inbox.output)
        if !mayGoOn { isFailed = true }
    }

    /// Whether anything is still expected, or to be written. Neither: the connection is over.
    public var isOver: Bool { isFailed || !engine.wantsRead && !engine.wantsWrite }

    // MARK: what the upstream said of the connection

    /// The upstream takes no new streams.
    public var goesAway: Bool { engine.inbox.goesAway }

    /// Streams that may be open at once: what the upstream allows, within our own limit.
    public var concurrentStreams: Int { min(ownLimit, engine.allowedStreams) }

    public var allowsExtendedConnect: Bool { engine.allowsExtendedConnect }

    // MARK: requests

    /// It opens no streams any more: all their numbers were used (RFC 9113 section 5.1.1).
    public private(set) var isSpent = false

    /// Queues a request's head and gives its stream; nil where the connection takes no more. With `endStream` nothing follows.
    /// - Parameter forbidsBody: HEAD is asked.
    public func submit(_ head: HTTP1RequestLines, scheme: StaticString, endStream: Bool, forbidsBody: Bool) -> Int32? {
        guard !isFailed, !goesAway, !isSpent else { return nil }
        guard let id = engine.submit(head, scheme: scheme, endStream: endStream) else {
            isSpent = true
            return nil
        }
        let stream = HTTP2UpstreamStreamState(forbidsBody: forbidsBody)
        stream.isFinished = endStream
        engine.inbox.streams[id] = stream
        return id
    }

    /// Adds bytes to the body of a request whose head was submitted without `endStream`. All are taken; `queued(stream:)` tells when to stop.
    public func send(stream id: Int32, _ bytes: Span<UInt8>) {
        guard !bytes.isEmpty, let stream = writable(id) else { return }
        stream.queue.append(bytes)
        if stream.queue.count > mark { stream.wasAboveMark = true }
        wake(stream, id)
    }

    /// Ends the body of a request, with trailers where there are any.
    public func finish(stream id: Int32, trailers: Fields? = nil) {
        guard let stream = writable(id) else { return }
        stream.isFinished = true
        if let trailers, !trailers.entries.isEmpty { stream.trailers = trailers }
        wake(stream, id)
    }

    /// Bytes of a request's body that wait for the upstream to take them.
    public func queued(stream: Int32) -> Int { engine.inbox.streams[stream]?.queue.count ?? 0 }

    /// Ends a stream at once. It is not heard of again.
    public func reset(stream id: Int32, code: UInt32) {
        guard let stream = engine.inbox.streams[id], !stream.isReset else { return }
        stream.isReset = true
        stream.queue.removeAll()
        stream.queue.release()
        engine.reset(id, code: code)
    }

    private func writable(_ id: Int32) -> HTTP2UpstreamStreamState? {
        guard let stream = engine.inbox.streams[id], !stream.isFinished, !stream.isReset else { return nil }
        return stream
    }

    private func wake(_ stream: HTTP2UpstreamStreamState, _ id: Int32) {
        guard stream.isDeferred else { return }
        stream.isDeferred = false
        engine.resume(id)
    }

    // MARK: the connection

    /// Asks for a sign of life.
    public func ping() { engine.ping() }

    /// GOAWAY: nothing more is read or sent.
    public func terminate() { engine.terminate(code: HTTP2ErrorCode.noError) }

    /// Does what the callbacks left to do; true if that gave nghttp2 something new.
    @discardableResult private func settle() -> Bool {
        var didSomething = false
        while let id = engine.inbox.trailersDue.popLast() {
            guard let stream = engine.inbox.streams[id], let trailers = stream.trailers else { continue }
            stream.trailers = nil
            if !engine.submitTrailers(id, trailers) { engine.reset(id, code: HTTP2ErrorCode.internalError) }
            didSomething = true
        }
        let owed = engine.inbox.owed
        if owed > 0 {
            engine.inbox.owed = 0
            engine.consumeConnection(owed)
            didSomething = true
        }
        return didSomething
    }
}
