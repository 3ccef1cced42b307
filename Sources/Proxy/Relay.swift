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
    var stream: (any UpstreamStream)?
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
    var bodySent: UInt64 = 0
    var requestEnded = false
    var headReceived = false
    /// Whether request or answer log in the connection and not the request: no other client may use it.
    private var login = ConnectionLogin.Progress.none
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

    /// A connection, or a stream of one, is ours: the head goes out, and then the body may come.
    func attach(_ stream: any UpstreamStream) {
        self.stream = stream
        if let connectLimit { loop.cancel(connectLimit) }
        retry.connected(at: loop.now)
        // While it waited the session ended, or the rules changed: nothing goes out in its name.
        if exchange.isEnding { return withdraw { exchange.endWithSession() } }
        guard stream.begin(self, exchange, to: site, by: gateway) else { return withdraw { exchange.identityFailed() } }
        if exchange.requestIsComplete {
            if let body = exchange.givenBack { sendWhole(body, to: stream) }
            sendEnd()
        } else {
            stream.armLimit(site.nanoseconds.idle)
            exchange.sendContinue()
            exchange.client?.resumeBody()
        }
    }

    /// The request must not go on: nobody lets it in (the session has ended), or it cannot be passed on as it must be (no assertion could be made).
    private func withdraw(_ tell: () -> Void) {
        let stream = self.stream
        self.stream = nil
        isOver = true
        stream?.close()
        leave()
        tell()
    }

    /// Whether a WebSocket was asked for.
    var isForWebSocket: Bool { exchange.head.isWebSocket }

    var takesBody: Bool { stream?.isWritable ?? false }

    func sendBody(_ bytes: Span<UInt8>) {
        guard let stream, !bytes.isEmpty else { return }
        if isTunnel {
            exchange.session?.touch(loop.wall)
        } else {
            bodySent &+= UInt64(bytes.count)
            let limit = site.options.requestBodyLimit
            if limit > 0, bodySent > limit {
                exchange.client?.bodyPassedOn(bytes.count)
                return exchange.bodyTooLarge(limit)
            }
        }
        stream.sendBody(bytes)
        if closing == nil { stream.armLimit(site.nanoseconds.idle) }
        exchange.client?.bodyPassedOn(bytes.count)
    }

    /// A body that lies here already: nothing of it is owed to the client's windows.
    private func sendWhole(_ body: [UInt8], to stream: any UpstreamStream) {
        bodySent = UInt64(body.count)
        if !body.isEmpty { stream.sendBody(body.span) }
    }

    /// The request is complete; where no upstream serves it yet, `attach` comes back to it.
    func sendEnd() {
        guard !requestEnded, let stream else { return }
        requestEnded = true
        stream.sendEnd(of: exchange, by: gateway)
        if !headReceived { stream.armLimit(site.nanoseconds.response) }
    }

    func upstreamDrained() {
        if !exchange.requestIsComplete || isTunnel { exchange.client?.resumeBody() }
    }

    // MARK: the way back

    func upstreamHead(_ head: inout ResponseHead) {
        guard let stream else { return }
        if head.status == 101 { return switchProtocols(&head) }
        if head.status < 200 { return interim(&head) }
        if head.status < 300, exchange.opensBySuccess { return fail(.broken) }
        login = ConnectionLogin.progress(exchange.head.fields, head.fields, status: head.status)
        // An answer that contradicts itself was none: the client still gets a page.
        guard gateway.filterAnswer(&head, for: exchange) else { return fail(.broken) }
        answered()
        exchange.trace.upstreamNanoseconds = loop.now.since(began)
        stream.armLimit(site.nanoseconds.idle)
        exchange.sendHead(&head)
    }

    private func answered() {
        headReceived = true
        if let member, !isCheck { site.group.answered(member) }
    }

    private func interim(_ head: inout ResponseHead) {
        interimAnswers += 1
        if interimAnswers > Self.maxInterimAnswers { return fail(.broken) }
        // 100 is between us and the upstream: the client's own was answered by us.
        guard head.status != 100 else { return }
        guard gateway.filterInterim(&head.fields) else { return fail(.broken) }
        exchange.client?.sendInformational(head.status, head.fields)
    }

    /// A tunnel begins only with a 101 to a handshake that we passed on (RFC 6455 section 4.1).
    private func switchProtocols(_ head: inout ResponseHead) {
        guard let stream, exchange.head.isWebSocket, Gateway.acceptsWebSocket(head, exchange.webSocketKey) else { return fail(.broken) }
        guard gateway.filterSwitch(&head, for: exchange) else { return fail(.broken) }
        answered()
        isTunnel = true
        exchange.trace.upstreamNanoseconds = loop.now.since(began)
        stream.armLimit(site.nanoseconds.idle)
        exchange.sendHead(&head)
        exchange.tunnelBegan()
    }

    func upstreamBody(_ bytes: Span<UInt8>) {
        guard let stream else { return }
        if closing == nil { stream.armLimit(site.nanoseconds.idle) }
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
        if exchange.client?.isWritable == false { stream.setWantsInput(false) }
    }

    func upstreamEnd(_ trailers: Fields) {
        guard let stream else { return }
        isOver = true
        self.stream = nil
        if isTunnel {
            stream.close()
            leave()
            exchange.client?.endTunnelOutput()
            return exchange.tunnelEnded()
        }
        stream.release(isWhole: requestEnded && (login == .none || binds(stream, login)))
        leave()
        exchange.sendEnd(gateway.filterTrailers(trailers))
    }

    func clientDrained() { stream?.setWantsInput(true) }

    // MARK: failure

    func upstreamLimitPassed() {
        fail(headReceived ? .broken : .timedOut)
    }

    private func fail(_ failure: UpstreamFailure) {
        stream?.close()
        upstreamFailed(failure)
    }

    /// The client or the handler has no more use for it.
    func abandon() {
        if isOver { return }
        isOver = true
        let stream = self.stream
        self.stream = nil
        // A tunnel that is lost did not end: the upstream must not take it for the end of what was said.
        if isTunnel { stream?.abort() } else { stream?.close() }
        leave()
    }

    // MARK: tunnels

    func clientEndedTunnel() { stream?.endTunnelOutput() }

    /// Ends a WebSocket with a close frame of ours, between two frames of the upstream's (RFC 6455 section 5.5.1).
    func closeTunnel(_ code: WebSocketCloseCode) {
        guard isTunnel, closing == nil else { return }
        closing = code
        if frames.isAtBoundary { return finishClosing() }
        // The rest of the frame is awaited, but not for long: a peer must not keep a WebSocket alive by never ending one.
        stream?.setWantsInput(true)
        stream?.armLimit(Self.closingLimit)
    }

    private func finishClosing() {
        guard let code = closing else { return }
        isOver = true
        let stream = self.stream
        self.stream = nil
        exchange.client?.sendBody(code.frame.span)
        stream?.close()
        leave()
        exchange.client?.endTunnelOutput()
        exchange.tunnelEnded()
    }
}
