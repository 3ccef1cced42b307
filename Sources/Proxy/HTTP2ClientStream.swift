import Bytes
import HTTP

/// One stream of an HTTP/2 connection as an exchange sees it.
final class HTTP2ClientStream: ClientStream {
    let id: Int32
    private let wire: HTTP2Wire
    private enum Tunnel {
        case none
        /// A WebSocket was asked for: what comes meanwhile waits for it.
        case awaited
        case open
    }
    private var tunnel: Tunnel
    var exchange: Exchange?
    /// Body bytes that came before anybody took them; the stream's window bounds them.
    private var held = ByteQueue()
    private var isHandingOver = false
    /// The request's end came behind what is held.
    private var endIsHeld = false
    private var trailers = Fields()
    private var headSent = false
    private var pace = StreamPace()
    /// It was answered at the last look.
    private var wasAnswered = false

    init(_ id: Int32, of wire: HTTP2Wire, isWebSocket: Bool) {
        self.id = id
        self.wire = wire
        tunnel = isWebSocket ? .awaited : .none
    }

    // MARK: from the client

    func received(_ bytes: Span<UInt8>) {
        pace.received &+= UInt64(bytes.count)
        // Its answer is queued already; once that is out the session drops what comes by itself.
        guard let exchange else { return wire.session.consume(stream: id, bytes.count) }
        if takesBody(exchange) && held.isEmpty { exchange.requestBody(bytes) } else { held.append(bytes) }
    }

    private func takesBody(_ exchange: Exchange) -> Bool { tunnel != .awaited && exchange.takesBody }

    func requestEnded(_ trailers: Fields?) {
        if let trailers { self.trailers = trailers }
        if held.isEmpty && tunnel != .awaited { tellEnd() } else { endIsHeld = true }
    }

    private func tellEnd() {
        if tunnel == .open { exchange?.tunnelInputEnded() } else { exchange?.requestEnded(trailers) }
    }

    func drained() { exchange?.clientDrained() }

    func gone() {
        let exchange = self.exchange
        self.exchange = nil
        exchange?.clientGone()
    }

    /// All of its answer was taken, and its client has not ended it.
    var isAnswered: Bool { exchange == nil && wire.session.queued(stream: id) == 0 }

    /// Asked once in each stall limit.
    func standsStill() -> Bool {
        if isAnswered {
            defer { wasAnswered = true }
            return wasAnswered
        }
        let awaitsBody = exchange.map { !$0.requestIsComplete && !$0.answerBegun && $0.takesBody } ?? false
        return pace.standstill(queued: wire.session.queued(stream: id), awaitsBody: awaitsBody) != nil
    }

    // MARK: ClientStream

    var clientConnection: ClientConnection? { wire.connection }

    var isWritable: Bool { wire.session.takesMore(stream: id, isCrowded: wire.connection.server.answers.isCrowded) }

    func sendInformational(_ status: UInt16, _ fields: Fields) {
        wire.session.submitInformational(stream: id, status: status, fields: fields)
        wire.connection.scheduleFlush()
    }

    func sendHead(_ head: inout ResponseHead) {
        if head.status == 101 { return openTunnel(head) }
        if case .exactly(let count) = head.body { head.fields.append("Content-Length", String(count)) }
        headSent = true
        wire.session.submitHead(stream: id, head, endStream: head.body == .none)
        wire.connection.scheduleFlush()
    }

    /// The upstream's 101 is a 200 here (RFC 8441 section 5).
    private func openTunnel(_ head: ResponseHead) {
        var head = head
        head.status = 200
        head.fields.entries.removeAll { $0.known == .secWebSocketAccept }
        headSent = true
        wire.session.submitHead(stream: id, head, endStream: false)
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
        forgetHeld()
        guard let exchange else { return }
        // An early answer: the client is told to stop sending (RFC 9113 section 8.1).
        if !exchange.requestIsComplete { exchange.discardBody() }
        self.exchange = nil
        exchange.finish()
        wire.finished(exchange)
    }

    func abort() {
        wire.session.reset(stream: id, code: headSent && tunnel == .none ? HTTP2ErrorCode.internalError : HTTP2ErrorCode.cancel)
        exchange = nil
        wire.connection.scheduleFlush()
    }

    func resumeBody() {
        if isHandingOver { return }
        if let exchange, !held.isEmpty, takesBody(exchange) { handOver(to: exchange) }
        held.release()
        if held.isEmpty, endIsHeld, tunnel != .awaited {
            endIsHeld = false
            tellEnd()
        }
    }

    /// What is handed over may end the exchange (it is too large, say), which forgets what is held: so it lies apart meanwhile.
    private func handOver(to exchange: Exchange) {
        isHandingOver = true
        defer { isHandingOver = false }
        var rest = ByteQueue()
        swap(&rest, &held)
        repeat {
            let count = min(rest.count, 64 << 10)
            rest.withBytes(0..<count) { exchange.requestBody($0) }
            rest.consume(count)
        } while !rest.isEmpty && self.exchange != nil && takesBody(exchange)
        swap(&rest, &held)
        if self.exchange == nil { forgetHeld() }
    }

    /// Nobody will take it any more: the connection's window gets it back.
    private func forgetHeld() {
        if held.isEmpty { return }
        wire.session.consume(stream: id, held.count)
        held.removeAll()
        held.release()
    }

    func bodyPassedOn(_ count: Int) {
        wire.session.consume(stream: id, count)
        wire.connection.scheduleFlush()
    }

    // MARK: WebSockets

    func becomeTunnel() {
        tunnel = .open
        resumeBody()
    }

    /// END_STREAM stands for the end of a TCP connection (RFC 8441 section 5).
    func endTunnelOutput() {
        wire.session.finish(stream: id)
        wire.connection.scheduleFlush()
        forgetHeld()
        exchange = nil
    }
}
