import Bytes
import EventLoop
import HTTP

/// One established connection to an upstream: socket, TLS, the bytes in and out, one time limit. What is spoken over it is its subclasses' matter.
class UpstreamLink: PollHandler {
    final let pool: UpstreamPool
    final let loop: EventLoop
    /// Nil: a socket in the file system.
    final let address: SocketAddress?
    private final var transport: Transport
    // Final: what a subclass could override is reached through a call that allocates.
    final var input = ByteQueue()
    final var output = ByteQueue()
    private(set) final var isClosed = false
    /// Whether a byte went out since this was last set to false.
    final var hasWritten = false
    /// Whether bytes are taken; while they are not, the socket is not read (back-pressure).
    final var wantsInput = true {
        didSet { if wantsInput != oldValue { inputWishChanged() } }
    }
    /// The sending side is shut once everything is written.
    private final var outputEnds = false
    private final var wasAboveHighWater = false
    private final var limit: LoopTimer?
    static let highWater = 256 << 10

    init(_ transport: consuming Transport, to address: SocketAddress?, of pool: UpstreamPool) {
        self.pool = pool
        loop = pool.loop
        self.address = address
        self.transport = transport
    }

    func start() throws(SystemError) {
        try loop.watch(transport.socket.raw, for: .readable, self)
        limit = LoopTimer { [unowned self] in limitPassed() }
        // TLS may have read more than its own handshake.
        if transport.hasPending { readLater() }
    }

    // MARK: for subclasses

    /// New bytes lie in `input`.
    func received() {}
    /// The upstream will send no more; `inOrder`: and said so.
    func ended(inOrder: Bool) {}
    /// Everything in `output` is written: add what is gathered elsewhere.
    func gather() {}
    /// `output` fell well below the high-water mark again.
    func drained() {}
    func limitPassed() {}

    // MARK: reading

    override func ready(_ readiness: Readiness) {
        if readiness.contains(.writable) { write() }
        if !isClosed, wantsInput || !readiness.isDisjoint(with: .broken) { read() }
    }

    /// Nothing lies there to be read, not even an end.
    final var isQuiet: Bool { transport.isQuiet }

    private func read() {
        var budget = 4
        loop.buffers.lend(&input)
        repeat {
            switch transport.read(into: &input, minimum: ByteQueuePool.size / 2) {
            case .moved:
                received()
                if isClosed { return }
                if !transport.hasPending { break }
                budget -= 1
                if budget > 0 { continue }
                // Others have a turn too; the rest lies in TLS, of which epoll does not know.
                readLater()
            case .wouldBlock: break
            case .ended: ended(inOrder: true)
            case .failed: ended(inOrder: false)
            }
            break
        } while !isClosed && wantsInput
        if isClosed { return }
        loop.buffers.takeBack(&input)
        updateInterest()
    }

    private func readLater() {
        let bound = LoopBound(self)
        loop.mailbox.post {
            let link = bound.value
            if !link.isClosed, link.wantsInput { link.read() }
        }
    }

    private func inputWishChanged() {
        if isClosed { return }
        updateInterest()
        if wantsInput, transport.hasPending { readLater() }
    }

    // MARK: writing

    final func scheduleFlush() { loop.flushSoon(self) }

    override func flush() { if !isClosed { write() } }

    /// Whether more may be added. Who is told no is called (`drained`) when it may.
    final var hasRoom: Bool {
        if output.count < Self.highWater { return true }
        wasAboveHighWater = true
        return false
    }

    /// No more will be sent.
    final func endOutput() {
        outputEnds = true
        scheduleFlush()
    }

    private func write() {
        repeat {
            writeOutput()
            if isClosed { return }
            if wasAboveHighWater, output.count < Self.highWater / 4 {
                wasAboveHighWater = false
                drained()
                if isClosed { return }
            }
            if !output.isEmpty { break }
            gather()
            if isClosed { return }
        } while !output.isEmpty
        if output.isEmpty {
            loop.buffers.takeBack(&output)
            if outputEnds {
                outputEnds = false
                transport.shutdownWrite()
            }
        }
        updateInterest()
    }

    private func writeOutput() {
        while !output.isEmpty {
            switch transport.write(output.bytes) {
            case .moved(let count):
                output.consume(count)
                hasWritten = true
                continue
            case .wouldBlock: break
            // What the upstream said before it closed may still be there to read.
            case .ended, .failed: output.removeAll()
            }
            return
        }
    }

    private func updateInterest() {
        var interest: Readiness = []
        if wantsInput { interest.insert(.readable) }
        if !output.isEmpty { interest.insert(.writable) }
        loop.setInterest(interest, of: self)
    }

    /// What waits between exchanges holds no memory.
    final func releaseBuffers() {
        outputEnds = false
        wasAboveHighWater = false
        loop.buffers.takeBack(&input)
        loop.buffers.takeBack(&output)
        wantsInput = true
    }

    // MARK: time and end

    final func armLimit(_ nanoseconds: UInt64) {
        if !isClosed, let limit { loop.schedule(limit, after: nanoseconds) }
    }

    /// `showingCut`: the upstream sees a reset and not an end.
    final func closeLink(showingCut: Bool = false) {
        if isClosed { return }
        isClosed = true
        if let limit { loop.cancel(limit) }
        loop.forget(self)
        // The descriptor is closed with the last reference; say goodbye now.
        if showingCut { transport.resetOnClose() } else { transport.shutdownWrite() }
    }
}
