import Bytes
import EventLoop
import HTTP
import TLS
import Telemetry

/// What a client connection speaks once it is established: HTTP/1 or HTTP/2.
protocol Wire: AnyObject {
    /// New bytes lie in `connection.input`.
    func received()
    /// The client will send no more.
    func inputEnded()
    /// Everything in `connection.output` is written: add what is gathered elsewhere.
    func gather()
    /// `connection.output` fell below the high-water mark again.
    func drained()
    /// The time limit that was armed has passed.
    func limitPassed()
    /// The connection is lost or closed; nothing more may be asked of it.
    func connectionClosed()
    /// The server drains: finish what is under way, take nothing new.
    func beginDrain()
    /// Bytes of answers that wait elsewhere than in `connection.output`.
    var queued: Int { get }
    /// The exchanges under way.
    var running: [Exchange] { get }
    /// Whether nothing is under way: the client may close without losing anything, and so may we.
    var isIdle: Bool { get }
}

/// One client's connection: socket, TLS, the bytes in and out, one time limit. It knows nothing of HTTP but which version was agreed on.
final class ClientConnection: PollHandler {
    let server: Server
    /// The client's address: the socket's, or what its balancer's PROXY header said.
    private(set) var address: IPAddress
    /// The same as text. Not asked for before the connection is established.
    private(set) lazy var addressText = address.description
    private var transport: Transport
    var input = ByteQueue()
    var output = ByteQueue()
    private var wire: (any Wire)?
    private enum Stage { case announcement, handshake, established }
    private var stage: Stage
    /// When it was accepted.
    let began: MonotonicTime
    var place = Newcomers.Place()
    /// Whether it is one of those that the server counts for its address.
    var isCounted = false
    private var inputEnded = false
    private(set) var isClosed = false
    /// Whether the wire takes more bytes; while it does not, the socket is not read (back-pressure).
    var wantsInput = true {
        didSet { if wantsInput != oldValue { inputWishChanged() } }
    }
    /// Close once everything is written.
    private var closesWhenWritten = false
    /// What was left of the output when it was last looked at whether a closing client still takes it, in bytes.
    private var leftAtLastLook = 0
    private var isLingering = false
    private var lingersUntil = MonotonicTime(nanoseconds: 0)
    private var wasAboveHighWater = false
    /// What of its bytes that wait to be written the server knows of.
    private var held = 0
    private var limit: LoopTimer?
    private var writeStalledSince: MonotonicTime?
    /// Connections to upstreams that are this client's alone; nil: there never were any.
    private(set) var bound: BoundConnections?
    /// Position in the server's list of connections.
    var index = -1

    var loop: EventLoop { server.loop }
    /// Whether the client came over TLS.
    var isTLS: Bool { transport.tls != nil }

    /// - Parameter isAnnounced: a PROXY header must come before everything else.
    init(_ socket: consuming Descriptor, from address: IPAddress, isAnnounced: Bool, to server: Server, tls: TLSContext?) throws(TLSError) {
        self.server = server
        self.address = address
        began = server.loop.now
        transport = try Transport(socket, tls: tls)
        stage = isAnnounced ? .announcement : .handshake
        super.init()
    }

    func start() throws(SystemError) {
        try loop.watch(transport.socket.raw, for: .readable, self)
        let limit = LoopTimer { [unowned self] in limitPassed() }
        self.limit = limit
        loop.schedule(limit, after: server.nanoseconds.handshake)
        if stage == .handshake, !isTLS { establish() }
    }

    override func ready(_ readiness: Readiness) {
        if stage == .announcement { readAnnouncement() }
        if stage == .handshake, !isClosed { handshake() }
        if stage != .established || isClosed { return }
        if readiness.contains(.writable) { write() }
        if isClosed { return }
        let reads = (wantsInput || isLingering) && !inputEnded
        // What is broken is told again and again; where nothing is read it would never be noticed.
        if reads { read() } else if !readiness.isDisjoint(with: .broken) { close() }
    }

    // MARK: the beginning

    /// Reads the PROXY header and not a byte of what follows it, which TLS reads for itself.
    private func readAnnouncement() {
        while true {
            let before = input.count
            switch Sockets.peek(transport.socket, into: &input, minimum: ProxyHeader.version2Limit) {
            case .moved: break
            case .wouldBlock: return
            case .ended, .failed: return close()
            }
            let header: ProxyHeader
            do throws(ProxyHeaderFault) { header = try ProxyHeader.parse(input.bytes) } catch { return server.refuse(self, .proxyHeader) }
            switch header {
            case .needsMore:
                Sockets.discard(transport.socket, input.count - before)
                continue
            case .client(let client, let length):
                Sockets.discard(transport.socket, length - before)
                address = client
            case .local(let length):
                Sockets.discard(transport.socket, length - before)
            }
            break
        }
        input.removeAll()
        input.release()
        stage = .handshake
        if !server.announced(self) { server.refuse(self, .address) } else if !isTLS { establish() }
    }

    private func handshake() {
        switch transport.tls?.handshake() {
        case .wantsRead: loop.setInterest(.readable, of: self)
        case .wantsWrite: loop.setInterest([.readable, .writable], of: self)
        case .failed, nil: close()
        case .done:
            loop.setInterest(.readable, of: self)
            establish()
        }
    }

    private func establish() {
        stage = .established
        server.established(self)
        gathers = transport.tls?.negotiatedProtocol == "h2"
        wire = gathers ? HTTP2Wire(self) : HTTP1Wire(self)
    }

    /// Whether it waits for its next request, or its first.
    var isIdle: Bool { stage == .established && !isClosed && output.isEmpty && wire?.isIdle ?? false }

    // MARK: reading

    private func read() {
        var budget = 4
        loop.buffers.lend(&input)
        while !isClosed, wantsInput || isLingering, !inputEnded {
            switch transport.read(into: &input, minimum: server.limits.readSize / 2) {
            case .moved:
                if isLingering { lingerOn() } else { wire?.received() }
                if isClosed { return }
                if !transport.hasPending { break }
                budget -= 1
                if budget > 0 { continue }
                // Others have a turn too; the rest lies in TLS, of which epoll does not know.
                readLater()
            case .wouldBlock: break
            case .ended: ended()
            case .failed: close()
            }
            break
        }
        if !isClosed {
            loop.buffers.takeBack(&input)
            updateInterest()
        }
    }

    private func ended() {
        inputEnded = true
        if isLingering || stage != .established { close() } else { wire?.inputEnded() }
    }

    private func readLater() {
        let bound = LoopBound(self)
        loop.mailbox.post { bound.value.readAgain() }
    }

    private func readAgain() {
        if !isClosed, wantsInput || isLingering { read() }
    }

    private func inputWishChanged() {
        if isClosed || stage != .established { return }
        updateInterest()
        if wantsInput, transport.hasPending { readLater() }
    }

    private func updateInterest() {
        var interest: Readiness = []
        if (wantsInput || isLingering) && !inputEnded { interest.insert(.readable) }
        if !output.isEmpty { interest.insert(.writable) }
        loop.setInterest(interest, of: self)
    }

    // MARK: writing

    /// Whether an answer may go on being produced. Who is told no is called (`Wire.drained`) when it may.
    var isWritable: Bool {
        if output.isEmpty || output.count < server.limits.highWater && !server.answers.isCrowded { return true }
        wasAboveHighWater = true
        return false
    }

    /// Something was added to `output`, or will be in `gather`: it leaves soon (`gathers`).
    func scheduleFlush() { loop.flushSoon(self) }

    override func flush() {
        if !isClosed { write() }
    }

    /// Large pieces go straight from where they lie, past `output`.
    func send(_ bytes: Span<UInt8>) {
        if isClosed { return }
        if bytes.count >= 16 << 10 {
            if !output.isEmpty { drainOutput() }
            if isClosed { return }
            if output.isEmpty {
                let sent = writeDirectly(bytes)
                if isClosed { return }
                if sent < bytes.count { output.append(bytes.extracting(sent..<bytes.count)) }
                scheduleFlush()
                return
            }
        }
        output.append(bytes)
        scheduleFlush()
    }

    private func writeDirectly(_ bytes: Span<UInt8>) -> Int {
        var sent = 0
        while sent < bytes.count {
            switch transport.write(bytes.extracting(sent..<bytes.count)) {
            case .moved(let count):
                sent += count
                writeStalledSince = nil
            case .wouldBlock: return sent
            case .ended, .failed:
                close()
                return sent
            }
        }
        return sent
    }

    private func drainOutput() {
        while !output.isEmpty {
            switch transport.write(output.bytes) {
            case .moved(let count):
                output.consume(count)
                writeStalledSince = nil
            case .wouldBlock:
                if writeStalledSince == nil { writeStalledSince = loop.now }
                return
            case .ended, .failed: return close()
            }
        }
    }

    private func write() {
        while true {
            drainOutput()
            if isClosed { return }
            if isWritable, wasAboveHighWater {
                wasAboveHighWater = false
                wire?.drained()
                if isClosed { return }
            }
            if !output.isEmpty { break }
            loop.buffers.lend(&output)
            wire?.gather()
            if isClosed { return }
            if output.isEmpty { break }
        }
        if output.isEmpty {
            loop.buffers.takeBack(&output)
            if closesWhenWritten && !isLingering { linger() }
        }
        if isClosed { return }
        tellHeld(output.count + (wire?.queued ?? 0))
        updateInterest()
    }

    private func tellHeld(_ count: Int) {
        if count == held { return }
        server.answers.changed(from: held, to: count)
        held = count
    }

    /// How long nothing could be written though something waits, in nanoseconds.
    var writeStall: UInt64 { writeStalledSince.map { loop.now.since($0) } ?? 0 }

    // MARK: time

    /// Arms the one time limit; `wire.limitPassed` is called when it passes.
    func armLimit(_ nanoseconds: UInt64) {
        if !isClosed, let limit { loop.schedule(limit, after: nanoseconds) }
    }

    private func limitPassed() {
        if stage != .established || isLingering { return close() }
        if !closesWhenWritten { wire?.limitPassed() } else if output.count + Int(StreamPace.minimum) > leftAtLastLook { close() } else { watchLastBytes() }
    }

    // MARK: upstreams of its own

    /// Where connections to upstreams wait that belong to this client. Nil where none may: it ends, or is a proxy's that speaks for many, who must not meet on one.
    func bind() -> BoundConnections? {
        if isClosed || closesWhenWritten || server.trusted.forwardedFor.contains(address: address) { return nil }
        let bound = self.bound ?? BoundConnections()
        self.bound = bound
        return bound
    }

    /// No request will come that could use them.
    private func closeBound() {
        bound?.close()
        bound = nil
    }

    // MARK: the end

    /// Closes in order: what waits is written, the client is told that no more comes, and its last bytes are read for a while, because a
    /// reset would take the answer away from it (RFC 9112 section 9.6).
    func closeAfterWriting() {
        if isClosed || closesWhenWritten { return }
        closesWhenWritten = true
        closeBound()
        watchLastBytes()
        scheduleFlush()
    }

    /// The last bytes are taken at a pace, like all others, or not at all.
    private func watchLastBytes() {
        leftAtLastLook = output.count
        armLimit(server.nanoseconds.stall)
    }

    private func linger() {
        transport.shutdownWrite()
        if inputEnded { return close() }
        isLingering = true
        lingersUntil = loop.now.advanced(by: server.nanoseconds.lingerTotal)
        lingerOn()
    }

    /// What still comes is dropped; a client that is in the middle of a large body is heard out for a while, or a reset would take the answer
    /// away from it before it looks.
    private func lingerOn() {
        input.removeAll()
        armLimit(min(server.nanoseconds.linger, lingersUntil.since(loop.now)))
    }

    /// The exchanges under way on it.
    var running: [Exchange] { wire?.running ?? [] }

    /// The server ends: begin to finish. Who is still shaking hands may ask one thing, if it comes soon.
    func beginDrain() {
        if let wire { wire.beginDrain() } else { armLimit(server.nanoseconds.linger) }
    }

    /// Closes at once, so that the client sees an error and not an end.
    func reset() {
        if isClosed { return }
        transport.resetOnClose()
        close(showingCut: true)
    }

    /// Closes at once. `showingCut`: where the end of the connection would look like the end of the answer it is reset instead.
    func close(showingCut: Bool = false) {
        if isClosed { return }
        isClosed = true
        tellHeld(0)
        loop.forget(self)
        if let limit { loop.cancel(limit) }
        if showingCut { transport.resetOnClose() } else { transport.tls?.shutdown() }
        let wire = self.wire
        self.wire = nil
        wire?.connectionClosed()
        closeBound()
        server.forget(self)
    }
}
