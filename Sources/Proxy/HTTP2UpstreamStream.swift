import Bytes
import EventLoop
import HTTP

/// One stream of an HTTP/2 connection to an upstream.
final class HTTP2UpstreamStream: UpstreamStream {
    private let connection: HTTP2UpstreamConnection
    /// 0: none yet, or none any more.
    private var id: Int32 = 0
    private var relay: Relay?
    private var wantsInput = true
    /// Bytes of the answer that hold the window because the client does not keep up.
    private var owed = 0
    private var headReceived = false
    /// Where a WebSocket was asked for: what a 101 would answer to the client's key, or the gateway's.
    private var webSocketAccept: String?
    private var limit: LoopTimer?
    private static let highWater = 64 << 10

    init(on connection: HTTP2UpstreamConnection) { self.connection = connection }

    // MARK: UpstreamStream

    func begin(_ relay: Relay, _ exchange: Exchange, to site: Site, by gateway: Gateway) -> Bool {
        self.relay = relay
        limit = LoopTimer { [weak self] in self?.limitPassed() }
        gateway.headScratch.removeAll()
        guard gateway.writeRequestHead(of: exchange, to: site, overHTTP2: true, into: &gateway.headScratch) != nil else { return false }
        gateway.headLines.read(gateway.headScratch, isWebSocket: exchange.head.isWebSocket)
        let endStream = exchange.head.body == .none && !exchange.head.isWebSocket
        if exchange.head.isWebSocket {
            let key = exchange.webSocketKey?.text ?? exchange.head.fields.text("Sec-WebSocket-Key")
            webSocketAccept = WebSocketKey.accept(for: key ?? "")
        }
        let opened = connection.open(self, gateway.headLines, endStream: endStream, forbidsBody: exchange.head.method == .head)
        if let opened {
            id = opened
        } else {
            // The connection was lost in the same turn. Not at once: whoever begins is not done yet.
            let bound = LoopBound(self)
            connection.loop.mailbox.post { bound.value.lost(.notExecuted) }
        }
        return true
    }

    func sendBody(_ bytes: Span<UInt8>) { connection.send(id, bytes) }

    func sendEnd(of exchange: Exchange, by gateway: Gateway) {
        // What follows the head of a WebSocket is no body, and goes on.
        if webSocketAccept == nil { connection.finish(id, gateway.requestTrailers(of: exchange)) }
    }

    /// What did not go out is `notExecuted`.
    var hasWritten: Bool { true }

    var isWritable: Bool { connection.queued(id) < Self.highWater }

    func setWantsInput(_ wanted: Bool) {
        wantsInput = wanted
        if wanted, owed > 0 {
            connection.consume(id, owed)
            owed = 0
        }
    }

    func armLimit(_ nanoseconds: UInt64) { if let limit { connection.loop.schedule(limit, after: nanoseconds) } }

    func endTunnelOutput() { connection.finish(id, nil) }

    func release(isWhole: Bool) { leave(reset: !isWhole || webSocketAccept != nil) }

    func close() { leave(reset: true) }

    func abort() { leave(reset: true) }

    /// Ended by both sides it is gone by itself; else the upstream is told that nobody waits.
    private func leave(reset: Bool) {
        forget()
        connection.forget(id, reset: reset)
        id = 0
    }

    private func forget() {
        relay = nil
        if let limit { connection.loop.cancel(limit) }
        limit = nil
    }

    private func limitPassed() {
        if !headReceived { connection.doubt() }
        relay?.upstreamLimitPassed()
    }

    // MARK: from the connection

    func received(_ head: inout ResponseHead) {
        headReceived = head.status >= 200
        if let webSocketAccept, (200..<300).contains(head.status) { Self.agree(&head, webSocketAccept) }
        relay?.upstreamHead(&head)
    }

    /// Any 2xx opens a WebSocket here (RFC 8441 section 5); it becomes the 101 that it means.
    private static func agree(_ head: inout ResponseHead, _ accept: String) {
        head.status = 101
        head.fields.entries.removeAll { $0.known == .upgrade || $0.known == .secWebSocketAccept || $0.known == .contentLength }
        head.fields.append("Upgrade", "websocket")
        head.fields.append("Sec-WebSocket-Accept", accept)
    }

    func received(_ bytes: Span<UInt8>) {
        let id = self.id
        relay?.upstreamBody(bytes)
        if relay == nil { return }
        if wantsInput { connection.consume(id, bytes.count) } else { owed += bytes.count }
    }

    func ended(_ trailers: Fields) { relay?.upstreamEnd(trailers) }

    func drained() { relay?.upstreamDrained() }

    func lost(_ failure: UpstreamFailure) {
        let relay = self.relay
        forget()
        id = 0
        relay?.upstreamFailed(headReceived ? .broken : failure)
    }
}
