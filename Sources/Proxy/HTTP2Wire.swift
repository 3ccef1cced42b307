import Bytes
import EventLoop
import HTTP

/// HTTP/2 on a client connection: the session machine eats and emits the bytes, each stream is an exchange.
final class HTTP2Wire: Wire {
    /// Strong: whatever a call of ours brings about, the connection outlives the call. `ClientConnection.close` breaks the cycle.
    fileprivate let connection: ClientConnection
    private let server: Server
    fileprivate let session: HTTP2Session
    private var streams: [Int32: HTTP2ClientStream] = [:]
    private var events: [HTTP2Event] = []
    private var isFailed = false
    private var isGoingAway = false
    /// The armed limit is the next look at streams that may stand still.
    private var watchesStalls = false
    /// Bytes of one connection's frames gathered before they are written.
    private static let gatherLimit = 64 << 10

    init(_ connection: ClientConnection) {
        self.connection = connection
        server = connection.server
        session = HTTP2Session(limits: server.limits.http2)
        connection.armLimit(server.nanoseconds.keepAlive)
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
            connection.armLimit(limits.keepAlive)
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
        let stream = HTTP2ClientStream(id, of: self)
        streams[id] = stream
        let exchange = Exchange(from: stream, on: connection)
        exchange.head = session.takeHead(stream: id)
        exchange.head.version = .http2
        stream.exchange = exchange
        if endStream { exchange.hasNoBody() }
        if let fault { server.handler.refuse(exchange, fault) } else { server.handler.begin(exchange) }
    }

    func inputEnded() { connection.close() }

    func gather() {
        session.fillOutput(&connection.output, limit: Self.gatherLimit)
        act()
        let wants = session.wantsIO
        if !wants.read && !wants.write && !connection.isClosed { connection.closeAfterWriting() }
    }

    func drained() {}

    func limitPassed() {
        if connection.writeStall >= server.nanoseconds.stall { return connection.close() }
        // A client that sleeps never acknowledges that no more streams are wanted: the end does not wait for it.
        if server.isDraining { session.drain() }
        if streams.isEmpty {
            // It was told before, and neither went nor read it.
            if isGoingAway { return connection.close() }
            isGoingAway = true
            session.goAway(code: HTTP2ErrorCode.noError)
        } else if !server.isDraining {
            // A client that neither sends what it announced nor takes what it asked for holds memory: its streams end, the others go on.
            for stream in streams.values where stream.standsStill() { session.reset(stream: stream.id, code: HTTP2ErrorCode.cancel) }
        }
        watchesStalls = false
        armLimit()
        connection.scheduleFlush()
    }

    /// The client broke the rules: its streams are over, whatever they were at; the GOAWAY that says why still goes out.
    private func fail() {
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
    fileprivate func finished(_ exchange: Exchange) {
        var head = RequestHead()
        swap(&head, &exchange.head)
        session.recycle(head)
    }
}

/// One stream of an HTTP/2 connection as an exchange sees it.
final class HTTP2ClientStream: ClientStream {
    let id: Int32
    private let wire: HTTP2Wire
    var exchange: Exchange?
    /// Body bytes that came before anybody took them; the stream's window bounds them.
    private var held = ByteQueue()
    /// The request's end came behind what is held.
    private var endIsHeld = false
    private var heldTrailers: Fields?
    private var headSent = false
    private var pace = StreamPace()
    private static let highWater = 64 << 10

    init(_ id: Int32, of wire: HTTP2Wire) {
        self.id = id
        self.wire = wire
    }

    // MARK: from the client

    func received(_ bytes: Span<UInt8>) {
        pace.received &+= UInt64(bytes.count)
        // Its answer is queued already; once that is out the session drops what comes by itself.
        guard let exchange else { return wire.session.consume(stream: id, bytes.count) }
        if exchange.takesBody && held.isEmpty { exchange.requestBody(bytes) } else { held.append(bytes) }
    }

    func requestEnded(_ trailers: Fields?) {
        if held.isEmpty { return exchange?.requestEnded(trailers) ?? () }
        endIsHeld = true
        heldTrailers = trailers
    }

    func drained() { exchange?.clientDrained() }

    func gone() {
        let exchange = self.exchange
        self.exchange = nil
        exchange?.clientGone()
    }

    /// Asked once in each stall limit.
    func standsStill() -> Bool {
        let awaitsBody = exchange.map { !$0.requestIsComplete && !$0.answerBegun && $0.takesBody } ?? false
        return pace.standsStill(queued: wire.session.queued(stream: id), awaitsBody: awaitsBody)
    }

    // MARK: ClientStream

    var isWritable: Bool { wire.session.queued(stream: id) < Self.highWater }

    func sendInformational(_ status: UInt16, _ fields: Fields) {
        wire.session.submitInformational(stream: id, status: status, fields: fields)
        wire.connection.scheduleFlush()
    }

    func sendHead(_ head: inout ResponseHead) {
        if case .exactly(let count) = head.body { head.fields.append("Content-Length", String(count)) }
        headSent = true
        wire.session.submitHead(stream: id, head, endStream: head.body == .none)
        wire.connection.scheduleFlush()
    }

    func sendBody(_ bytes: Span<UInt8>) {
        pace.given &+= UInt64(bytes.count)
        wire.session.send(stream: id, bytes)
        wire.connection.scheduleFlush()
    }

    func sendEnd(_ trailers: Fields?) {
        wire.session.finish(stream: id, trailers: trailers)
        wire.connection.scheduleFlush()
        guard let exchange else { return }
        // An early answer: the client is told to stop sending (RFC 9113 section 8.1).
        if !exchange.requestIsComplete { exchange.discardBody() }
        self.exchange = nil
        exchange.finish()
        wire.finished(exchange)
    }

    func abort() {
        wire.session.reset(stream: id, code: headSent ? HTTP2ErrorCode.internalError : HTTP2ErrorCode.cancel)
        exchange = nil
        wire.connection.scheduleFlush()
    }

    func resumeBody() {
        guard let exchange else { return }
        while !held.isEmpty, exchange.takesBody, self.exchange != nil {
            let count = min(held.count, 64 << 10)
            held.withBytes(0..<count) { exchange.requestBody($0) }
            held.consume(count)
        }
        held.release()
        if held.isEmpty, endIsHeld {
            endIsHeld = false
            exchange.requestEnded(heldTrailers)
        }
    }

    func bodyPassedOn(_ count: Int) {
        wire.session.consume(stream: id, count)
        wire.connection.scheduleFlush()
    }

    // Tunnels over HTTP/2 (RFC 8441) are not offered: no exchange of this version becomes one.
    func becomeTunnel() {}
    func endTunnelOutput() {}
}
