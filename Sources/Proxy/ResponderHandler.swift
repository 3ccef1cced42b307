import Access
public import EventLoop
public import HTTP
import Telemetry

/// Serves every request with one responder: the operations listener, the plain listeners, the simulator, the demo's sample application.
/// The request is told as it came; paths are not made canonical, since no rule depends on them.
public final class ResponderHandler: ExchangeHandler {
    private let loop: EventLoop
    private let responder: any Responder

    public init(_ responder: any Responder, on loop: EventLoop) {
        self.loop = loop
        self.responder = responder
    }

    public func begin(_ exchange: Exchange) {
        exchange.trace.decision = .own
        exchange.collectBody(limit: OwnRequest.bodyLimit) { [self] body in
            let request = describe(exchange, body)
            let responder = self.responder
            loop.spawn {
                let response = await responder.respond(to: request)
                if !exchange.isOver { exchange.answer(response) }
            }
        }
    }

    private func describe(_ exchange: Exchange, _ body: [UInt8]) -> OwnRequest {
        let head = exchange.head
        func text(_ range: Range<Int>) -> String { String(decoding: head.fields.arena[range], as: UTF8.self) }
        let target = text(head.target)
        let mark = target.firstIndex(of: "?")
        return OwnRequest(
            method: text(head.methodBytes), origin: nil, authority: text(head.authority), path: String(target[..<(mark ?? target.endIndex)]),
            target: target, query: mark.map { String(target[target.index(after: $0)...]) } ?? "", fields: head.fields, body: body,
            client: exchange.clientText, version: head.version, requestID: exchange.requestID.text, session: nil, site: nil)
    }

    public func refuse(_ exchange: Exchange, _ fault: ProtocolFault) {
        exchange.closesConnection = true
        exchange.answer(OwnResponse(status: Int(fault.status), fields: [("Content-Type", "text/plain")], body: Array("\(fault.status)\n".utf8)))
    }

    public func upstreamFailed(_ exchange: Exchange, _ failure: UpstreamFailure) {}

    public func wouldPass(_ exchange: Exchange) -> Bool { true }

    public func finished(_ exchange: Exchange) {}

    public func abused(_ bound: HTTP2Abuse, by client: String) {}
}
