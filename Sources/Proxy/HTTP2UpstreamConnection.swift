import Bytes
import EventLoop
import HTTP

/// One connection to an upstream, HTTP/2: it serves many exchanges at once, each a stream of its own.
final class HTTP2UpstreamConnection: UpstreamLink {
    private let session = HTTP2UpstreamSession()
    private var streams: [Int32: HTTP2UpstreamStream] = [:]
    private var events: [HTTP2UpstreamEvent] = []
    /// What waits for the upstream's SETTINGS: the attempt that this connection came of.
    private var dial: UpstreamDial?
    /// Something of it is answered already.
    private var served = 0
    /// A stream ran into its limit: until the upstream shows a sign of life nothing new goes this way.
    private var isDoubted = false
    /// Bytes of frames gathered before they are written.
    private static let gatherLimit = 64 << 10
    /// 5 s
    private static let doubtLimit: UInt64 = 5_000_000_000

    /// - Parameter dial: hears when the upstream has shown that it speaks HTTP/2.
    init(_ transport: consuming Transport, for dial: UpstreamDial) {
        self.dial = dial
        super.init(transport, to: dial.address, of: dial.pool)
        gathers = true
    }

    override func start() throws(SystemError) {
        try super.start()
        scheduleFlush()
    }

    /// How many more streams it takes.
    var room: Int {
        if isClosed || isDoubted || dial != nil || session.goesAway || session.isSpent || isRetired { return 0 }
        return max(0, session.concurrentStreams - streams.count)
    }

    /// The most that the upstream lets one connection carry.
    var concurrentStreams: Int { session.concurrentStreams }

    /// Takes no new streams, since the upstream's name means other addresses by now.
    private var isRetired = false

    var takesWebSockets: Bool { session.allowsExtendedConnect }

    func retire() {
        isRetired = true
        closeIfDone()
    }

    // MARK: streams

    /// Opens a stream with the head in `lines`; nil where the connection takes no more.
    func open(_ stream: HTTP2UpstreamStream, _ lines: HTTP1RequestLines, endStream: Bool, forbidsBody: Bool) -> Int32? {
        let scheme: StaticString = pool.scheme == .https ? "https" : "http"
        guard let id = session.submit(lines, scheme: scheme, endStream: endStream, forbidsBody: forbidsBody) else { return nil }
        streams[id] = stream
        scheduleFlush()
        return id
    }

    func send(_ id: Int32, _ bytes: Span<UInt8>) {
        session.send(stream: id, bytes)
        scheduleFlush()
    }

    func finish(_ id: Int32, _ trailers: Fields?) {
        session.finish(stream: id, trailers: trailers)
        scheduleFlush()
    }

    func queued(_ id: Int32) -> Int { session.queued(stream: id) }

    func consume(_ id: Int32, _ count: Int) {
        session.consume(stream: id, count)
        scheduleFlush()
    }

    /// Nobody waits for the stream any more; `reset`: nor should the upstream go on with it.
    func forget(_ id: Int32, reset: Bool) {
        guard streams.removeValue(forKey: id) != nil else { return }
        if reset { session.reset(stream: id, code: HTTP2ErrorCode.cancel) }
        scheduleFlush()
        closeIfDone()
        if room > 0 { pool.hasRoom(self) }
    }

    /// An answer did not come in time. Whether it is the upstream that is slow or the connection that is dead tells a ping.
    func doubt() {
        if isDoubted || isClosed { return }
        isDoubted = true
        session.ping()
        scheduleFlush()
        armLimit(Self.doubtLimit)
    }

    private func closeIfDone() {
        if isClosed || dial != nil || !streams.isEmpty { return }
        if session.goesAway || session.isSpent || isRetired { end() } else if !isDoubted { armLimit(UpstreamPool.idleLimit) }
    }

    // MARK: events

    override func received() {
        isDoubted = false
        let link: UpstreamLink = self
        let isWell = session.receive(link.input.bytes)
        act()
        if isClosed { return }
        input.removeAll()
        if !isWell { return lost() }
        scheduleFlush()
        closeIfDone()
    }

    override func ended(inOrder: Bool) { lost() }

    override func gather() {
        session.fillOutput(&output, limit: Self.gatherLimit)
        act()
        if !isClosed, session.isOver, output.isEmpty { lost() }
    }

    private func act() {
        // Not in place: what an event brings about may write, and then bring further ones.
        var events: [HTTP2UpstreamEvent] = []
        swap(&events, &self.events)
        session.takeEvents(&events)
        for event in events {
            if isClosed { return }
            act(on: event)
        }
        events.removeAll(keepingCapacity: true)
        swap(&events, &self.events)
    }

    private func act(on event: HTTP2UpstreamEvent) {
        switch event {
        case .ready:
            let dial = self.dial
            self.dial = nil
            served = 0
            armLimit(UpstreamPool.idleLimit)
            dial?.greeted(by: self)
        case .head(let id, var head):
            guard let stream = streams[id] else { return }
            served &+= 1
            stream.received(&head)
        case .data(let id, let offset, let count):
            guard let stream = streams[id] else { return }
            input.withBytes(offset..<offset + count) { stream.received($0) }
        case .end(let id, let trailers): streams[id]?.ended(trailers)
        case .writable(let id): streams[id]?.drained()
        case .closed(let id, let isUnprocessed):
            let stream = streams.removeValue(forKey: id)
            stream?.lost(isUnprocessed ? .notExecuted : .broken)
            closeIfDone()
            if room > 0 { pool.hasRoom(self) }
        }
    }

    override func limitPassed() {
        if isDoubted { lost() } else if streams.isEmpty { end() }
    }

    // MARK: the end

    /// In order: nothing is under way.
    private func end() {
        session.terminate()
        session.fillOutput(&output, limit: Self.gatherLimit)
        flush()
        lost()
    }

    /// The connection is over, and with it all that was under way.
    func lost() {
        if isClosed { return }
        closeLink()
        pool.remove(self)
        let streams = self.streams
        self.streams = [:]
        let dial = self.dial
        self.dial = nil
        dial?.failed("the upstream does not speak HTTP/2")
        // A kept connection may have been closed while we wrote, as in HTTP/1.
        for stream in streams.values { stream.lost(!hasWritten ? .notExecuted : served > 0 ? .staleConnection : .broken) }
    }
}
