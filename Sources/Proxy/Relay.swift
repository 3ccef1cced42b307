import Access
import Bytes
import EventLoop
import HTTP

/// The upstream's side of one exchange: which connection serves it, how far its answer is, and the back-pressure between the two sides.
/// Written once for both HTTP versions of the client.
final class Relay {
    /// Strong: a write that finds the client gone finishes the exchange in the middle of a call of ours. `Exchange.finish` breaks the cycle.
    let exchange: Exchange
    let site: Site
    private let gateway: Gateway
    var connection: UpstreamConnection?
    /// The upstream that serves it; nil while none does.
    var member: UpstreamMember?
    /// A check of the gateway's own: it says nothing of how requests fare.
    var isCheck = false
    /// Where it was tried.
    var tried = UpstreamSet()
    var retry: RetryPolicy
    /// Where it waits for an upstream to be free.
    var place: UpstreamGroup.Line.Place?
    /// Ends waiting and connecting; nil where neither was needed.
    var connectLimit: LoopTimer?
    /// Connections that were begun for it at the present upstream.
    var connects = 0
    /// Counts the connections that were asked for: an answer to an earlier one comes too late.
    var ticket = 0
    var isOver = false
    private(set) var isTunnel = false
    private var bodyIsChunked = false
    var bodySent: UInt64 = 0
    var requestEnded = false
    var headReceived = false
    private var interimAnswers = 0
    private var began: MonotonicTime
    /// Follows a WebSocket's frames to the client, so that one of ours can be put between two of theirs.
    private var frames = WebSocketFrameCursor()
    private var closing: WebSocketCloseCode?

    /// More interim answers than this are a flood.
    private static let maxInterimAnswers = 16
    /// 1 s
    private static let closingLimit: UInt64 = 1_000_000_000

    init(_ exchange: Exchange, to site: Site, by gateway: Gateway) {
        self.exchange = exchange
        self.gateway = gateway
        self.site = site
        began = exchange.loop.now
        retry = RetryPolicy(budget: site.nanoseconds.connect, upstreams: site.group.members.count)
    }

    var loop: EventLoop { exchange.loop }

    // MARK: the way to the upstream

    /// A connection is ours (perhaps still connecting): the head goes into its output.
    func attach(_ connection: UpstreamConnection) {
        self.connection = connection
        connection.begin(self)
        connection.parser.begin(requestMethod: exchange.head.method, askedForUpgrade: exchange.head.isWebSocket)
        guard let isChunked = gateway.writeRequestHead(of: exchange, to: site, into: &connection.output) else { return refuse() }
        bodyIsChunked = isChunked
        if connection.isConnected {
            connection.scheduleFlush()
            upstreamReady()
        }
    }

    /// The request cannot be passed on as it must be (no assertion could be made): nobody gets in.
    private func refuse() {
        let connection = self.connection
        self.connection = nil
        isOver = true
        connection?.close()
        leave()
        exchange.identityFailed()
    }

    /// Connected: the body may come.
    func upstreamReady() {
        if let connectLimit { loop.cancel(connectLimit) }
        retry.connected(at: loop.now)
        if exchange.requestIsComplete {
            sendEnd()
        } else {
            connection?.armLimit(site.nanoseconds.idle)
            exchange.sendContinue()
            exchange.client?.resumeBody()
        }
    }

    var takesBody: Bool {
        guard let connection, connection.isConnected else { return false }
        return connection.isWritable
    }

    func sendBody(_ bytes: Span<UInt8>) {
        guard let connection, !bytes.isEmpty else { return }
        if isTunnel {
            exchange.session?.touch(loop.wall)
            connection.output.append(bytes)
        } else {
            bodySent &+= UInt64(bytes.count)
            let limit = site.options.requestBodyLimit
            if limit > 0, bodySent > limit { return exchange.bodyTooLarge(limit) }
            if bodyIsChunked {
                ChunkedWriter.header(bytes.count, into: &connection.output)
                connection.output.append(bytes)
                ChunkedWriter.dataEnd(into: &connection.output)
            } else {
                connection.output.append(bytes)
            }
        }
        if closing == nil { connection.armLimit(site.nanoseconds.idle) }
        connection.scheduleFlush()
        exchange.client?.bodyPassedOn(bytes.count)
    }

    /// The request is complete; where the upstream is not connected yet, `upstreamReady` comes back to it.
    func sendEnd() {
        guard !requestEnded, let connection, connection.isConnected else { return }
        requestEnded = true
        if bodyIsChunked { gateway.writeChunkedEnd(of: exchange, into: &connection.output) }
        connection.scheduleFlush()
        if !headReceived { connection.armLimit(site.nanoseconds.response) }
    }

    func upstreamDrained() {
        if !exchange.requestIsComplete || isTunnel { exchange.client?.resumeBody() }
    }

    // MARK: the way back

    func upstreamHead() {
        guard let connection else { return }
        let status = connection.parser.head.status
        if status == 101 { return switchProtocols() }
        if status < 200 { return interim(status) }
        if status < 300, exchange.opensBySuccess { return fail(.broken) }
        // An answer that contradicts itself was none: the client still gets a page.
        guard gateway.filterAnswer(&connection.parser.head, for: exchange) else { return fail(.broken) }
        answered()
        exchange.trace.upstreamNanoseconds = loop.now.since(began)
        connection.armLimit(site.nanoseconds.idle)
        exchange.sendHead(&connection.parser.head)
    }

    private func answered() {
        headReceived = true
        if let member, !isCheck { site.group.answered(member) }
    }

    private func interim(_ status: UInt16) {
        interimAnswers += 1
        if interimAnswers > Self.maxInterimAnswers { return fail(.broken) }
        // 100 is between us and the upstream: the client's own was answered by us.
        guard status != 100, let connection else { return }
        guard gateway.filterInterim(&connection.parser.head.fields) else { return fail(.broken) }
        exchange.client?.sendInformational(status, connection.parser.head.fields)
    }

    /// A tunnel begins only with a 101 to a handshake that we passed on (RFC 6455 section 4.1).
    private func switchProtocols() {
        guard let connection, exchange.head.isWebSocket, Gateway.acceptsWebSocket(connection.parser.head, exchange.webSocketKey) else { return fail(.broken) }
        guard gateway.filterSwitch(&connection.parser.head, for: exchange) else { return fail(.broken) }
        answered()
        isTunnel = true
        exchange.trace.upstreamNanoseconds = loop.now.since(began)
        connection.armLimit(site.nanoseconds.idle)
        exchange.sendHead(&connection.parser.head)
        exchange.tunnelBegan()
    }

    func upstreamBody(_ bytes: Span<UInt8>) {
        guard let connection else { return }
        if closing == nil { connection.armLimit(site.nanoseconds.idle) }
        if isTunnel {
            let passed = frames.advance(over: bytes, stopAtBoundary: closing != nil)
            exchange.bytesOut &+= UInt64(passed)
            exchange.client?.sendBody(bytes.extracting(0..<passed))
            if closing != nil, frames.isAtBoundary { return finishClosing() }
            if passed == 0 && !bytes.isEmpty { return }
        } else {
            exchange.bytesOut &+= UInt64(bytes.count)
            exchange.client?.sendBody(bytes)
        }
        if exchange.client?.isWritable == false { connection.setWantsInput(false) }
    }

    func upstreamEnd(_ trailers: Fields, reusable: Bool) {
        guard let connection else { return }
        isOver = true
        self.connection = nil
        if isTunnel {
            connection.close()
            leave()
            exchange.client?.endTunnelOutput()
            return exchange.tunnelEnded()
        }
        let mayServeOthers = reusable && connection.parser.head.keepAlive && requestEnded
            && !ConnectionLogin.isAsked(exchange.head.fields, connection.parser.head.fields)
        if mayServeOthers { connection.release() } else { connection.close() }
        leave()
        exchange.sendEnd(gateway.filterTrailers(trailers))
    }

    func clientDrained() { connection?.setWantsInput(true) }

    // MARK: failure

    func upstreamLimitPassed() {
        fail(headReceived ? .broken : .timedOut)
    }

    private func fail(_ failure: UpstreamFailure) {
        let connection = self.connection
        connection?.close()
        upstreamFailed(failure)
    }

    /// The client or the handler has no more use for it.
    func abandon() {
        if isOver { return }
        isOver = true
        let connection = self.connection
        self.connection = nil
        // A tunnel that is lost did not end: the upstream must not take it for the end of what was said.
        connection?.close(showingCut: isTunnel)
        leave()
    }

    // MARK: tunnels

    func clientEndedTunnel() { connection?.endOutput() }

    /// Ends a WebSocket with a close frame of ours, between two frames of the upstream's (RFC 6455 section 5.5.1).
    func closeTunnel(_ code: WebSocketCloseCode) {
        guard isTunnel, closing == nil else { return }
        closing = code
        if frames.isAtBoundary { return finishClosing() }
        // The rest of the frame is awaited, but not for long: a peer must not keep a WebSocket alive by never ending one.
        connection?.setWantsInput(true)
        connection?.armLimit(Self.closingLimit)
    }

    private func finishClosing() {
        guard let code = closing else { return }
        isOver = true
        let connection = self.connection
        self.connection = nil
        exchange.client?.sendBody(code.frame.span)
        connection?.close()
        leave()
        exchange.client?.endTunnelOutput()
        exchange.tunnelEnded()
    }
}
