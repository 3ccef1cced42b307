import Bytes
import EventLoop
import HTTP

/// One connection to an upstream, HTTP/1.1: it serves one exchange at a time, and waits in its pool between them, or with the one client whom it has logged in.
final class UpstreamConnection: UpstreamLink, UpstreamStream {
    private var parser = ResponseParser()
    private var relay: Relay?
    /// Its place among those that wait; -1: it serves.
    var indexInPool = -1
    /// Which state of its upstream's name its address was last compared with.
    var generation = 0
    /// Answers already received on it.
    private var served = 0
    private var receivedAnything = false
    private var bodyIsChunked = false
    /// Whom it serves alone; nil: whoever comes.
    var binding: ConnectionBinding?

    // MARK: UpstreamStream

    func begin(_ relay: Relay, _ exchange: Exchange, to site: Site, by gateway: Gateway) -> Bool {
        self.relay = relay
        receivedAnything = false
        hasWritten = false
        loop.buffers.lend(&output)
        parser.begin(requestMethod: exchange.head.method, askedForUpgrade: exchange.head.isWebSocket)
        guard let isChunked = gateway.writeRequestHead(of: exchange, to: site, into: &output) else { return false }
        bodyIsChunked = isChunked
        scheduleFlush()
        return true
    }

    func sendBody(_ bytes: Span<UInt8>) {
        if bodyIsChunked {
            ChunkedWriter.header(bytes.count, into: &output)
            output.append(bytes)
            ChunkedWriter.dataEnd(into: &output)
        } else {
            output.append(bytes)
        }
        scheduleFlush()
    }

    func sendEnd(of exchange: Exchange, by gateway: Gateway) {
        if bodyIsChunked { gateway.writeChunkedEnd(of: exchange, into: &output) }
        scheduleFlush()
    }

    var isWritable: Bool { hasRoom }

    func setWantsInput(_ wanted: Bool) { if relay != nil { wantsInput = wanted } }

    func endTunnelOutput() { endOutput() }

    func release(isWhole: Bool) {
        // Bytes behind the answer belong to no request, and what is not written yet would stand before the next one: such a connection is not used again.
        guard isWhole, parser.isIdle, parser.head.keepAlive, input.isEmpty, output.isEmpty else { return close() }
        served &+= 1
        rest()
    }

    /// Waits in the pool, or with the client to whom it belongs.
    func rest() {
        relay = nil
        releaseBuffers()
        if let binding { return binding.keep(self) }
        armLimit(UpstreamPool.idleLimit)
        pool.giveBack(self)
    }

    func close() { close(showingCut: false) }

    func abort() { close(showingCut: true) }

    private func close(showingCut: Bool) {
        relay = nil
        closeLink(showingCut: showingCut)
        pool.remove(self)
        binding?.remove(self)
    }

    // MARK: events

    override func received() {
        // Nothing may come now: bytes that belong to nobody.
        guard relay != nil else { return close() }
        // What comes before the request went out answers nothing: bytes of the one before that would poison this one.
        if !hasWritten { return fail(.staleConnection) }
        receivedAnything = true
        parse()
    }

    override func ended(inOrder: Bool) {
        guard let relay else { return close() }
        let isEnd = inOrder && (try? parser.connectionEnded()) == true
        if isEnd { relay.upstreamEnd(Fields()) } else { fail(lost) }
    }

    /// What it means that the connection ended where an answer was to come.
    private var lost: UpstreamFailure { receivedAnything ? .broken : served == 0 ? .unanswered : .staleConnection }

    private func parse() {
        let link: UpstreamLink = self
        do {
            while let relay, !input.isEmpty || parser.isAtEnd {
                if relay.isTunnel {
                    relay.upstreamBody(link.input.bytes)
                    input.removeAll()
                    break
                }
                switch try parser.next(link.input.bytes) {
                case .needMore: return
                case .head(let consumed):
                    input.consume(consumed)
                    relay.upstreamHead(&parser.head)
                case .skip(let consumed): input.consume(consumed)
                case .body(let skip, let count):
                    input.withBytes(skip..<skip + count) { relay.upstreamBody($0) }
                    input.consume(skip + count)
                case .end(let consumed):
                    input.consume(consumed)
                    return relay.upstreamEnd(parser.trailers)
                }
            }
        } catch {
            fail(.broken)
        }
    }

    override func flush() {
        // What lies there before a request goes out answers nothing, and would be read as its answer: bytes of the one before, or an end. The loop
        // tells of it a turn late. A look costs 0.25 µs, a hundredth of a request, and can tell nothing of what is still on its way.
        if relay != nil, !hasWritten, served > 0, !output.isEmpty, !isClosed, !isQuiet { return fail(.staleConnection) }
        super.flush()
    }

    override func drained() { relay?.upstreamDrained() }

    override func limitPassed() {
        if let relay { relay.upstreamLimitPassed() } else { close() }
    }

    private func fail(_ failure: UpstreamFailure) {
        let relay = self.relay
        close()
        relay?.upstreamFailed(failure)
    }
}
