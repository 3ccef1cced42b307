import Bytes
import EventLoop
import HTTP
import TLS

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
    /// The exchanges under way.
    var running: [Exchange] { get }
}

/// One client's connection: socket, TLS, the bytes in and out, one time limit. It knows nothing of HTTP but which version was agreed on.
final class ClientConnection: PollHandler {
    let server: Server
    private let address: SocketAddress
    /// The client's address: the socket's, an IP literal, no port.
    private(set) lazy var addressText = address.host
    private var transport: Transport
    var input = ByteQueue()
    var output = ByteQueue()
    private var wire: (any Wire)?
    private var isHandshaking: Bool
    private var inputEnded = false
    private(set) var isClosed = false
    /// Whether the wire takes more bytes; while it does not, the socket is not read (back-pressure).
    var wantsInput = true {
        didSet { if wantsInput != oldValue { inputWishChanged() } }
    }
    /// Close once everything is written.
    private var closesWhenWritten = false
    private var isLingering = false
    private var wasAboveHighWater = false
    private var limit: LoopTimer?
    private var writeStalledSince: MonotonicTime?
    /// Position in the server's list of connections.
    var index = -1

    var loop: EventLoop { server.loop }
    /// Whether the client came over TLS.
    var isTLS: Bool { transport.tls != nil }

    init(_ socket: consuming Descriptor, from address: SocketAddress, to server: Server, tls: TLSContext?) throws(TLSError) {
        self.server = server
        self.address = address
        transport = try Transport(socket, tls: tls)
        isHandshaking = tls != nil
        super.init()
    }

    func start() throws(SystemError) {
        try loop.watch(transport.socket.raw, for: .readable, self)
        let limit = LoopTimer { [unowned self] in limitPassed() }
        self.limit = limit
        loop.schedule(limit, after: server.nanoseconds.handshake)
        if !isHandshaking { wire = HTTP1Wire(self) }
    }

    override func ready(_ readiness: Readiness) {
        if isHandshaking {
            handshake()
            if isHandshaking || isClosed { return }
        }
        if readiness.contains(.writable) { write() }
        if isClosed { return }
        let reads = (wantsInput || isLingering) && !inputEnded
        // What is broken is told again and again; where nothing is read it would never be noticed.
        if reads { read() } else if !readiness.isDisjoint(with: .broken) { close() }
    }

    private func handshake() {
        switch transport.tls?.handshake() {
        case .wantsRead: loop.setInterest(.readable, of: self)
        case .wantsWrite: loop.setInterest([.readable, .writable], of: self)
        case .failed, nil: close()
        case .done:
            isHandshaking = false
            loop.setInterest(.readable, of: self)
            wire = transport.tls?.negotiatedProtocol == "h2" ? HTTP2Wire(self) : HTTP1Wire(self)
        }
    }

    // MARK: reading

    private func read() {
        var budget = 4
        loop.buffers.lend(&input)
        while !isClosed, wantsInput || isLingering, !inputEnded {
            switch transport.read(into: &input, minimum: server.limits.readSize / 2) {
            case .moved:
                if isLingering { input.removeAll() } else { wire?.received() }
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
        if isLingering || isHandshaking { close() } else { wire?.inputEnded() }
    }

    private func readLater() {
        let bound = LoopBound(self)
        loop.mailbox.post { bound.value.readAgain() }
    }

    private func readAgain() {
        if !isClosed, wantsInput || isLingering { read() }
    }

    private func inputWishChanged() {
        if isClosed || isHandshaking { return }
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
        if output.count < server.limits.highWater { return true }
        wasAboveHighWater = true
        return false
    }

    /// Something was added to `output`, or will be in `gather`: it leaves when the turn ends.
    func scheduleFlush() { loop.flushAtEndOfTurn(self) }

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
        } else if closesWhenWritten, let limit {
            loop.schedule(limit, after: server.nanoseconds.stall)
        }
        if !isClosed { updateInterest() }
    }

    /// How long nothing could be written though something waits, in nanoseconds.
    var writeStall: UInt64 { writeStalledSince.map { loop.now.since($0) } ?? 0 }

    // MARK: time

    /// Arms the one time limit; `wire.limitPassed` is called when it passes.
    func armLimit(_ nanoseconds: UInt64) {
        if !isClosed, let limit { loop.schedule(limit, after: nanoseconds) }
    }

    private func limitPassed() {
        if isHandshaking || isLingering || closesWhenWritten { close() } else { wire?.limitPassed() }
    }

    // MARK: the end

    /// Closes in order: what waits is written, the client is told that no more comes, and its last bytes are read for a while, because a
    /// reset would take the answer away from it (RFC 9112 section 9.6).
    func closeAfterWriting() {
        if isClosed || closesWhenWritten { return }
        closesWhenWritten = true
        scheduleFlush()
    }

    private func linger() {
        transport.shutdownWrite()
        if inputEnded { return close() }
        isLingering = true
        input.removeAll()
        armLimit(server.nanoseconds.linger)
    }

    /// The exchanges under way on it.
    var running: [Exchange] { wire?.running ?? [] }

    /// The server ends: begin to finish. Who is still shaking hands may ask one thing, if it comes soon.
    func beginDrain() {
        if let wire { wire.beginDrain() } else { armLimit(server.nanoseconds.linger) }
    }

    /// Closes at once. `showingCut`: where the end of the connection would look like the end of the answer it is reset instead.
    func close(showingCut: Bool = false) {
        if isClosed { return }
        isClosed = true
        loop.forget(self)
        if let limit { loop.cancel(limit) }
        if showingCut { transport.resetOnClose() } else { transport.tls?.shutdown() }
        let wire = self.wire
        self.wire = nil
        wire?.connectionClosed()
        server.forget(self)
    }
}
