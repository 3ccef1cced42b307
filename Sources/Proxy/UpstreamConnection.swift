import Bytes
import EventLoop
import HTTP

/// Why an upstream did not answer.
public enum UpstreamFailure: Sendable {
    /// No connection could be made, or none in time.
    case unreachable
    /// A kept connection ended before a byte of the answer came: the upstream had closed it while we wrote. Or it spoke before it was asked.
    case staleConnection
    /// A connection made for this request ended before a byte of the answer came.
    case unanswered
    /// The connection ended, or what came is not HTTP.
    case broken
    case timedOut
}

/// One connection to an upstream, HTTP/1.1: connecting, then serving one exchange at a time, idle in its pool between them.
final class UpstreamConnection: PollHandler {
    private enum State { case connecting, idle, busy, closed }

    let pool: UpstreamPool
    private let address: SocketAddress
    private let socket: Descriptor
    private var input = ByteQueue()
    var output = ByteQueue()
    var parser = ResponseParser()
    private var state = State.connecting
    private(set) var relay: Relay?
    var indexInPool = -1
    /// Answers already received on it.
    private var served = 0
    private var receivedAnything = false
    /// Whether a byte of the present request went out.
    private(set) var hasWritten = false
    private var limit: LoopTimer?
    private var wantsInput = true
    private var outputEnds = false
    private var wasAboveHighWater = false
    static let highWater = 256 << 10

    init(_ socket: consuming Descriptor, to address: SocketAddress, of pool: UpstreamPool) {
        self.pool = pool
        self.address = address
        self.socket = socket
    }

    private var loop: EventLoop { pool.loop }

    func start() throws(SystemError) {
        try loop.watch(socket.raw, for: .writable, self)
        let limit = LoopTimer { [unowned self] in limitPassed() }
        self.limit = limit
        loop.schedule(limit, after: pool.connectLimit)
    }

    var isConnected: Bool { state != .connecting && state != .closed }

    /// Begins to serve `relay`, which writes its request into `output`.
    func begin(_ relay: Relay) {
        self.relay = relay
        receivedAnything = false
        hasWritten = false
        wantsInput = true
        if state == .idle { state = .busy }
        loop.buffers.lend(&output)
    }

    /// Nothing lies there to be read, not even an end.
    var isQuiet: Bool { Sockets.isQuiet(socket) }

    // MARK: events

    override func ready(_ readiness: Readiness) {
        switch state {
        case .connecting:
            let error = Sockets.error(of: socket)
            if error != 0 { return failToConnect() }
            pool.connected(true)
            state = relay == nil ? .idle : .busy
            loop.setInterest(.readable, of: self)
            relay?.upstreamReady()
            write()
        case .idle:
            // Nothing may come now: it is the end, or bytes that belong to nobody.
            close()
        case .busy:
            if readiness.contains(.writable) { write() }
            // What comes before the request went out answers nothing: an end, or bytes of the one before that would poison this one.
            if state == .busy, !hasWritten { return fail(.staleConnection) }
            if state == .busy, wantsInput || !readiness.isDisjoint(with: .broken) { read() }
        case .closed: break
        }
    }

    private func read() {
        loop.buffers.lend(&input)
        switch Sockets.read(socket, into: &input, minimum: ByteQueuePool.size / 2) {
        case .moved:
            receivedAnything = true
            parse()
        case .wouldBlock: break
        case .ended:
            do {
                if try parser.connectionEnded() { relay?.upstreamEnd(Fields(), reusable: false) } else { fail(lost) }
            } catch { fail(lost) }
        case .failed: fail(lost)
        }
        if state != .closed {
            loop.buffers.takeBack(&input)
            updateInterest()
        }
    }

    /// What it means that the connection ended where an answer was to come.
    private var lost: UpstreamFailure { receivedAnything ? .broken : served == 0 ? .unanswered : .staleConnection }

    private func parse() {
        do {
            while let relay, !input.isEmpty || parser.isAtEnd {
                if relay.isTunnel {
                    relay.upstreamBody(input.bytes)
                    input.removeAll()
                    break
                }
                switch try parser.next(input.bytes) {
                case .needMore: return
                case .head(let consumed):
                    input.consume(consumed)
                    relay.upstreamHead()
                case .skip(let consumed): input.consume(consumed)
                case .body(let skip, let count):
                    input.withBytes(skip..<skip + count) { relay.upstreamBody($0) }
                    input.consume(skip + count)
                case .end(let consumed):
                    input.consume(consumed)
                    // Bytes behind the answer belong to no request: such a connection is not used again.
                    relay.upstreamEnd(parser.trailers, reusable: input.isEmpty)
                    return
                }
            }
        } catch {
            fail(.broken)
        }
    }

    /// Reads on, or waits because the client does not keep up.
    func setWantsInput(_ wanted: Bool) {
        if wantsInput == wanted || state != .busy { return }
        wantsInput = wanted
        updateInterest()
    }

    // MARK: writing

    func scheduleFlush() { loop.flushAtEndOfTurn(self) }

    override func flush() { if isConnected { write() } }

    /// Whether more may be added. Who is told no is called (`Relay.upstreamDrained`) when it may.
    var isWritable: Bool {
        if output.count < Self.highWater { return true }
        wasAboveHighWater = true
        return false
    }

    /// No more will be sent (a tunnel's client shut its side).
    func endOutput() {
        outputEnds = true
        scheduleFlush()
    }

    private func write() {
        // What lies there before a request goes out answers nothing, and would be read as its answer: bytes of the one before, or an end. The loop
        // tells of it a turn late. A look costs 0.25 µs, a hundredth of a request, and can tell nothing of what is still on its way.
        if !hasWritten, served > 0, state == .busy, !output.isEmpty, !isQuiet { return fail(.staleConnection) }
        while !output.isEmpty, state != .closed {
            switch Sockets.write(socket, output.bytes) {
            case .moved(let count):
                output.consume(count)
                hasWritten = true
                continue
            case .wouldBlock: break
            // What the upstream said before it closed may still be there to read.
            case .ended, .failed: output.removeAll()
            }
            break
        }
        if state == .closed { return }
        if wasAboveHighWater, output.count < Self.highWater / 4 {
            wasAboveHighWater = false
            relay?.upstreamDrained()
        }
        if output.isEmpty {
            loop.buffers.takeBack(&output)
            if outputEnds {
                outputEnds = false
                Sockets.shutdownWrite(socket)
            }
        }
        updateInterest()
    }

    private func updateInterest() {
        if state == .closed || state == .connecting { return }
        var interest: Readiness = []
        if wantsInput || state == .idle { interest.insert(.readable) }
        if !output.isEmpty { interest.insert(.writable) }
        loop.setInterest(interest, of: self)
    }

    // MARK: time

    func armLimit(_ nanoseconds: UInt64) {
        if state != .closed, let limit { loop.schedule(limit, after: nanoseconds) }
    }

    /// Its time, or that of the request for which it is made, has passed.
    func limitPassed() {
        switch state {
        case .connecting: failToConnect()
        case .busy: relay?.upstreamLimitPassed()
        case .idle: close()
        case .closed: break
        }
    }

    // MARK: the end

    /// The exchange is through: back to the pool.
    func release() {
        relay = nil
        served &+= 1
        state = .idle
        wantsInput = true
        outputEnds = false
        armLimit(UpstreamPool.idleLimit)
        loop.buffers.takeBack(&input)
        loop.buffers.takeBack(&output)
        updateInterest()
        pool.giveBack(self)
    }

    private func failToConnect() {
        pool.connected(false)
        pool.resolver.avoid(address)
        fail(.unreachable)
    }

    private func fail(_ failure: UpstreamFailure) {
        let relay = self.relay
        close()
        relay?.upstreamFailed(failure)
    }

    /// - Parameter showingCut: the upstream sees a reset and not an end.
    func close(showingCut: Bool = false) {
        if state == .closed { return }
        state = .closed
        relay = nil
        if let limit { loop.cancel(limit) }
        loop.forget(self)
        pool.remove(self)
        // The descriptor is closed with the last reference; say goodbye now.
        if showingCut { Sockets.resetOnClose(socket) } else { Sockets.shutdownWrite(socket) }
    }
}
