import Bytes
import EventLoop
import HTTP

/// HTTP/1.x on a client connection: one exchange at a time, pipelined requests wait in the input (RFC 9112 section 9.3).
final class HTTP1Wire: Wire, ClientStream {
    /// Strong: whatever a call of ours brings about, the connection outlives the call. `ClientConnection.close` breaks the cycle.
    private let connection: ClientConnection
    private let server: Server
    private var parser: RequestParser
    private var exchange: Exchange?

    private enum RequestState { case head, body, complete }
    private var request = RequestState.head
    private enum AnswerFraming { case none, plain, chunked, tunnel }
    private var framing = AnswerFraming.none
    private var keepAlive = true
    /// The answer's end is the connection's end.
    private var isCloseDelimited = false
    private var isTunnel = false
    private var headBegun: Bool = false
    /// Nothing was asked on it yet.
    private var isFresh = true
    /// The client sends no more. What it asked before is still answered: it may have ended its side alone (RFC 9112 section 9.6).
    private var hasEnded = false
    /// Since then: bytes of the answer that were there when it was looked at last.
    private var sentAtLastLook: UInt64?
    /// The client asks on and does not read: bytes that waited for it when it was looked at last.
    private var unreadAtLastLook: Int?
    /// Bytes of an unwanted body that may still be dropped.
    private var drainBudget = 0
    private var isPumping = false
    /// The armed limit is the next look at how the body gets on.
    private var watchesPace = false
    private var pace = StreamPace()

    init(_ connection: ClientConnection) {
        self.connection = connection
        server = connection.server
        parser = RequestParser(limits: connection.server.limits.requestHead)
        // A connection that was taken while the server drains may ask one thing, if it comes soon.
        connection.armLimit(server.isDraining ? server.nanoseconds.linger : server.nanoseconds.keepAlive)
    }

    // MARK: Wire

    func received() { pump() }

    /// Eats what lies in the input as far as the exchange lets it. What calls it from inside of itself (an answer that ended, a body that is
    /// taken again) only makes the outermost one go on.
    private func pump() {
        if isPumping { return }
        isPumping = true
        defer { isPumping = false }
        while !connection.isClosed, !connection.input.isEmpty || (request == .body && parser.isAtEnd) {
            if isTunnel {
                passThroughTunnel()
                if hasEnded { settleEnd() }
                return
            }
            if request == .complete || (request == .body && exchange?.takesBody != true) {
                // Nobody takes it yet: hold a bounded amount, and read no more.
                if connection.input.count >= server.limits.readSize { connection.wantsInput = false }
                return
            }
            if exchange == nil, request == .head, !connection.isWritable {
                // Who asks and does not read gets no more answers until they have read some.
                if connection.input.count >= server.limits.readSize { connection.wantsInput = false }
                if unreadAtLastLook == nil {
                    unreadAtLastLook = connection.output.count
                    connection.armLimit(server.nanoseconds.stall)
                }
                return
            }
            unreadAtLastLook = nil
            do {
                if try !step() { break }
            } catch {
                return refuse(error)
            }
        }
        armLimit()
        if hasEnded { settleEnd() }
    }

    /// Everything that came before the client's end has been read.
    private func settleEnd() {
        if connection.isClosed { return }
        if isTunnel {
            if connection.input.isEmpty { exchange?.tunnelInputEnded() }
            return
        }
        guard let exchange else { return connection.closeAfterWriting() }
        if request == .complete { return awaitLastAnswer(exchange) }
        // The rest of its body never comes: it must not count as whole, neither at the upstream nor, where the answer has begun, at the client.
        self.exchange = nil
        request = .complete
        if exchange.answerBegun && !exchange.answerEnded { connection.close(showingCut: isCloseDelimited) } else { connection.closeAfterWriting() }
        exchange.clientGone()
    }

    /// Whether the client ended its side alone or has gone shows only when something is written to it. An event stream that is quiet must not be kept for
    /// somebody who closed the page: an answer that has begun goes on while it moves.
    private func awaitLastAnswer(_ exchange: Exchange) {
        sentAtLastLook = exchange.bytesOut
        connection.armLimit(server.nanoseconds.head)
    }

    /// One event of the parser; false where it needs more bytes.
    private func step() throws(ProtocolFault) -> Bool {
        let connection = self.connection
        switch try parser.next(connection.input.bytes) {
        case .needMore:
            if request == .head && !headBegun {
                headBegun = true
                connection.armLimit(server.nanoseconds.head)
            }
            return false
        case .head(let consumed):
            connection.input.consume(consumed)
            try begin()
        case .skip(let consumed):
            connection.input.consume(consumed)
        case .body(let skip, let count):
            if let exchange {
                connection.input.withBytes(skip..<skip + count) { exchange.requestBody($0) }
                if exchange.isDiscarding {
                    drainBudget -= count
                    if drainBudget < 0 {
                        connection.closeAfterWriting()
                        connection.wantsInput = false
                        return false
                    }
                }
            }
            connection.input.consume(skip + count)
        case .end(let consumed):
            connection.input.consume(consumed)
            request = .complete
            exchange?.requestEnded(parser.trailers)
            finishIfBothEnded()
        }
        return true
    }

    private func begin() throws(ProtocolFault) {
        headBegun = false
        isFresh = false
        watchesPace = false
        pace = StreamPace()
        let exchange = Exchange(from: self, on: connection)
        swap(&exchange.head, &parser.head)
        exchange.headArrived()
        self.exchange = exchange
        request = exchange.head.body == .none ? .complete : .body
        keepAlive = exchange.head.keepAlive && !server.isDraining
        framing = .none
        drainBudget = server.limits.drain
        if request == .complete {
            // The parser's own event for the end of a message without a body: it takes no bytes, and must not be left for the next request.
            if parser.isAtEnd { _ = try parser.next(ByteQueue().bytes) }
            exchange.hasNoBody()
        }
        exchange.handler.begin(exchange)
    }

    private func refuse(_ fault: ProtocolFault) {
        keepAlive = false
        connection.wantsInput = false
        request = .complete
        if let exchange {
            if exchange.answerEnded {
                // Only the rest of its body was awaited: the answer still goes out, and nothing after it is read.
                connection.closeAfterWriting()
                return finish(exchange)
            }
            // The body is at fault: its exchange is under way already.
            exchange.requestFailed(fault)
            if self.exchange != nil, framing != .none { connection.close() }
            return
        }
        let exchange = Exchange(from: self, on: connection)
        swap(&exchange.head, &parser.head)
        exchange.head.keepAlive = false
        exchange.hasNoBody()
        self.exchange = exchange
        exchange.handler.refuse(exchange, fault)
    }

    func inputEnded() {
        hasEnded = true
        pump()
    }

    var running: [Exchange] { exchange.map { [$0] } ?? [] }

    func gather() {}

    var queued: Int { 0 }

    var isIdle: Bool { exchange == nil && !headBegun && connection.input.isEmpty }

    func drained() {
        if let exchange { return exchange.clientDrained() }
        if request != .head { return }
        connection.wantsInput = true
        pump()
    }

    func limitPassed() {
        if connection.writeStall >= server.nanoseconds.stall { return connection.close() }
        guard let exchange else {
            if let unreadAtLastLook, !connection.output.isEmpty {
                if connection.output.count > unreadAtLastLook - Int(StreamPace.minimum) { return connection.close() }
                self.unreadAtLastLook = connection.output.count
                return connection.armLimit(server.nanoseconds.stall)
            }
            // Between requests the client simply sees the end; in the middle of a head it is told why.
            if headBegun { return refuse(ProtocolFault("head-timeout", status: 408)) }
            // What comes from now on is not begun: its answer would not go out any more.
            connection.wantsInput = false
            request = .complete
            connection.closeAfterWriting()
            return
        }
        if let sentAtLastLook, request == .complete, !isTunnel {
            if exchange.answerBegun, connection.output.isEmpty, exchange.bytesOut == sentAtLastLook { return connection.close(showingCut: isCloseDelimited) }
            return awaitLastAnswer(exchange)
        }
        pace.received = exchange.bytesIn
        pace.given = exchange.bytesOut
        switch pace.standstill(
            queued: connection.output.count, awaitsBody: request == .body && exchange.takesBody && (!exchange.answerBegun || exchange.isDiscarding))
        {
        case .body: refuse(ProtocolFault("body-timeout", status: 408))
        case .answer: connection.close()
        case nil:
            connection.armLimit(server.nanoseconds.stall)
        }
    }

    /// Which limit holds now. Moving it later is free (see `LoopTimer`).
    private func armLimit() {
        if connection.isClosed { return }
        if isTunnel || (exchange != nil && request == .complete) || request == .body {
            // Not moved by what comes: a body of one byte a minute is none.
            if watchesPace { return }
            watchesPace = true
            connection.armLimit(server.nanoseconds.stall)
        } else if !headBegun {
            watchesPace = false
            connection.armLimit(server.nanoseconds.keepAlive)
        }
    }

    func connectionClosed() {
        let exchange = self.exchange
        self.exchange = nil
        exchange?.clientGone()
    }

    func beginDrain() {
        keepAlive = false
        if let exchange { exchange.serverDrains() } else if !headBegun, unreadAtLastLook == nil {
            // A request may be on its way, or lie in the socket already: it is answered.
            connection.armLimit(isFresh ? server.nanoseconds.linger : server.nanoseconds.lastRequest)
        }
    }

    // MARK: ClientStream

    var clientConnection: ClientConnection? { connection }

    var isWritable: Bool { connection.isWritable }

    func sendInformational(_ status: UInt16, _ fields: Fields) {
        // HTTP/1.0 knows none (RFC 9110 section 15.2).
        guard let exchange, exchange.head.version >= .http11 else { return }
        writeHead(status, fields)
        connection.output.append("\r\n")
        connection.scheduleFlush()
    }

    private func writeHead(_ status: UInt16, _ fields: Fields) {
        connection.loop.buffers.lend(&connection.output)
        ResponseWriter.statusLine(status, into: &connection.output)
        for entry in fields.entries { FieldWriter.field(entry, of: fields, into: &connection.output) }
    }

    func sendHead(_ head: inout ResponseHead) {
        guard let exchange else { return }
        writeHead(head.status, head.fields)
        if head.status == 101 {
            framing = .tunnel
            connection.output.append("\r\n")
            return connection.scheduleFlush()
        }
        switch head.body {
        case .none:
            framing = .plain
            // An upstream of HTTP/2 may say it without a length; here nothing else would show that the answer ends.
            if exchange.head.method != .head, head.status != 204, head.status != 304, head.fields.first(.contentLength) == nil {
                connection.output.append("Content-Length: 0\r\n")
            }
        case .exactly(let count):
            framing = .plain
            FieldWriter.field("Content-Length", decimal: count, into: &connection.output)
        case .chunked, .untilEnd:
            if exchange.head.version >= .http11 {
                framing = .chunked
                connection.output.append("Transfer-Encoding: chunked\r\n")
            } else {
                framing = .plain
                isCloseDelimited = true
                keepAlive = false
            }
        }
        let isLast = hasEnded && request == .complete && connection.input.isEmpty
        if exchange.closesConnection || server.isDraining || isTooMuchToDrop(exchange) || isLast { keepAlive = false }
        if !keepAlive {
            connection.output.append("Connection: close\r\n")
        } else if exchange.head.version == .http10 {
            connection.output.append("Connection: keep-alive\r\n")
        }
        connection.output.append("\r\n")
        connection.scheduleFlush()
    }

    /// The body is unwanted, and its declared rest longer than what is dropped to keep the connection: the client hears at once that it ends.
    private func isTooMuchToDrop(_ exchange: Exchange) -> Bool {
        guard request == .body, exchange.isDiscarding, case .exactly(let count) = exchange.head.body else { return false }
        return count - min(count, exchange.bytesIn) > UInt64(max(drainBudget, 0))
    }

    func sendBody(_ bytes: Span<UInt8>) {
        if bytes.isEmpty { return }
        if framing == .chunked {
            ChunkedWriter.header(bytes.count, into: &connection.output)
            connection.send(bytes)
            ChunkedWriter.dataEnd(into: &connection.output)
        } else {
            connection.send(bytes)
        }
        connection.scheduleFlush()
    }

    func sendEnd(_ trailers: Fields?) {
        if framing == .chunked {
            connection.output.append("0\r\n")
            if let trailers { for entry in trailers.entries { FieldWriter.field(entry, of: trailers, into: &connection.output) } }
            connection.output.append("\r\n")
            connection.scheduleFlush()
        }
        finishIfBothEnded()
    }

    func abort() { connection.close(showingCut: isCloseDelimited) }

    func resumeBody() {
        connection.wantsInput = true
        pump()
    }

    func bodyPassedOn(_ count: Int) {}

    func becomeTunnel() {
        isTunnel = true
        keepAlive = false
        resumeBody()
    }

    func endTunnelOutput() { connection.closeAfterWriting() }

    private func passThroughTunnel() {
        guard let exchange else { return }
        let connection = self.connection
        if !exchange.takesBody {
            if connection.input.count >= server.limits.readSize { connection.wantsInput = false }
            return
        }
        exchange.requestBody(connection.input.bytes)
        connection.input.removeAll()
    }

    // MARK: the end of an exchange

    private func finishIfBothEnded() {
        guard let exchange, exchange.answerEnded else { return }
        if request != .complete {
            if keepAlive {
                exchange.discardBody()
                resumeBody()
            } else {
                connection.closeAfterWriting()
                connection.wantsInput = false
                finish(exchange)
            }
            return
        }
        finish(exchange)
        if keepAlive {
            request = .head
            connection.wantsInput = true
            pump()
        } else {
            connection.closeAfterWriting()
        }
    }

    private func finish(_ exchange: Exchange) {
        self.exchange = nil
        exchange.finish()
        // The arrays go back to where the next head is parsed.
        swap(&exchange.head, &parser.head)
        parser.head.reset()
    }
}
