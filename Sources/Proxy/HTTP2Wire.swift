import Bytes
import EventLoop
import HTTP

/// HTTP/2 on a client connection: the session machine eats and emits the bytes, each stream is an exchange.
final class HTTP2Wire: Wire {
    /// Strong: whatever a call of ours brings about, the connection outlives the call. `ClientConnection.close` breaks the cycle.
    let connection: ClientConnection
    private let server: Server
    let session: HTTP2Session
    private var streams: [Int32: HTTP2ClientStream] = [:]
    private var events: [HTTP2Event] = []
    private var isFailed = false
    private var isGoingAway = false
    /// The armed limit is the next look at streams that may stand still.
    private var watchesStalls = false
    /// Without streams for a while: the memory kept for them was given back.
    private var rests = false
    /// 1 s without a stream.
    private static let restAfter: UInt64 = 1_000_000_000
    /// Bytes of one connection's frames gathered before they are written.
    private static let gatherLimit = 64 << 10

    init(_ connection: ClientConnection) {
        self.connection = connection
        server = connection.server
        session = HTTP2Session(limits: server.limits.http2, heads: server.heads)
        if server.isDraining { session.drain() }
        armLimit()
        // The server's own SETTINGS go out at once.
        connection.scheduleFlush()
    }

    // MARK: Wire

    func received() {
        let connection = self.connection
        if isFailed { return connection.input.removeAll() }
        do {
            try session.receive(connection.input.bytes, now: connection.loop.now)
        } catch {
            isFailed = true
        }
        act()
        if connection.isClosed { return }
        connection.input.removeAll()
        if isFailed { return fail() }
        armLimit()
        connection.scheduleFlush()
    }

    /// With streams open the limit is not moved by what comes: pings must not buy time for streams that stand still.
    private func armLimit() {
        let limits = server.nanoseconds
        if server.isDraining {
            connection.armLimit(limits.linger)
        } else if streams.isEmpty {
            watchesStalls = false
            connection.armLimit(rests ? limits.keepAlive : min(Self.restAfter, limits.keepAlive))
        } else if !watchesStalls {
            watchesStalls = true
            connection.armLimit(limits.stall)
        }
    }

    /// Acts on what the bytes meant; they still lie in the input, where `data` events point.
    private func act() {
        session.takeEvents(&events)
        var index = 0
        while index < events.count, !connection.isClosed {
            act(on: events[index])
            index += 1
        }
        events.removeAll(keepingCapacity: true)
    }

    private func act(on event: HTTP2Event) {
        switch event {
        case .head(let id, let endStream): begin(id, endStream: endStream, fault: nil)
        case .fault(let id, let fault): begin(id, endStream: true, fault: fault)
        case .data(let id, let offset, let count):
            if let stream = streams[id] {
                connection.input.withBytes(offset..<offset + count) { stream.received($0) }
            } else {
                session.consume(stream: id, count)
            }
        case .end(let id, let trailers): streams[id]?.requestEnded(trailers)
        case .writable(let id): streams[id]?.drained()
        case .reset(let id, _), .closed(let id):
            if let stream = streams.removeValue(forKey: id) { stream.gone() }
            if streams.isEmpty { armLimit() }
        }
    }

    private func begin(_ id: Int32, endStream: Bool, fault: ProtocolFault?) {
        rests = false
        var head = session.takeHead(stream: id)
        head.version = .http2
        let stream = HTTP2ClientStream(id, of: self, isWebSocket: head.isWebSocket)
        streams[id] = stream
        let exchange = Exchange(from: stream, on: connection)
        swap(&head, &exchange.head)
        if fault == nil { exchange.headArrived() }
        stream.exchange = exchange
        // What follows the head of a WebSocket is no body.
        if endStream || exchange.head.isWebSocket { exchange.hasNoBody() }
        if let fault { exchange.handler.refuse(exchange, fault) } else { exchange.handler.begin(exchange) }
    }

    var queued: Int { session.queued }

    var running: [Exchange] { streams.values.compactMap(\.exchange) }

    func inputEnded() { connection.close() }

    var isIdle: Bool { streams.isEmpty }

    func gather() {
        session.fillOutput(&connection.output, limit: Self.gatherLimit)
        act()
        if session.abuse != nil && !isFailed && !connection.isClosed {
            isFailed = true
            return fail()
        }
        let wants = session.wantsIO
        if !wants.read && !wants.write && !connection.isClosed { connection.closeAfterWriting() }
    }

    func drained() {}

    func limitPassed() {
        if connection.writeStall >= server.nanoseconds.stall { return connection.close() }
        // A client that sleeps never acknowledges that no more streams are wanted: the end does not wait for it.
        if server.isDraining { session.drain() }
        if streams.isEmpty, !rests, !server.isDraining {
            rest()
        } else if streams.isEmpty {
            // It was told before, and neither went nor read it.
            if isGoingAway { return connection.close() }
            isGoingAway = true
            session.goAway(code: HTTP2ErrorCode.noError)
        } else if !server.isDraining {
            // A client that neither sends what it announced nor takes what it asked for holds memory: its streams end, the others go on.
            for stream in streams.values where stream.standsStill() { cut(stream) }
        }
        watchesStalls = false
        armLimit()
        connection.scheduleFlush()
    }

    private func rest() {
        rests = true
        session.rest()
        streams = [:]
        events = []
    }

    private func cut(_ stream: HTTP2ClientStream) {
        // Who was answered and never ends its request is told that it may stop (RFC 9113 section 8.1).
        if stream.isAnswered { return session.reset(stream: stream.id, code: HTTP2ErrorCode.noError) }
        session.reset(stream: stream.id, code: HTTP2ErrorCode.cancel)
        server.handler.abused(.stalledStreams, by: connection.addressText)
    }

    /// The client broke the rules: its streams are over, whatever they were at; the GOAWAY that says why still goes out.
    private func fail() {
        if let abuse = session.abuse { server.handler.abused(abuse, by: connection.addressText) }
        endStreams()
        connection.wantsInput = false
        connection.closeAfterWriting()
    }

    func connectionClosed() { endStreams() }

    private func endStreams() {
        let streams = self.streams
        self.streams = [:]
        for stream in streams.values { stream.gone() }
    }

    func beginDrain() {
        session.drain()
        for stream in streams.values { stream.exchange?.serverDrains() }
        armLimit()
        connection.scheduleFlush()
    }

    /// The exchange is through: its head's memory serves the next one.
    func finished(_ exchange: Exchange) {
        var head = RequestHead()
        swap(&head, &exchange.head)
        session.recycle(&head)
    }
}
