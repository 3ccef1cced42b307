import Bytes
import EventLoop
import HTTP

/// One check of an upstream: a request of the gateway's own that goes the way of all others, but to this upstream and from nobody. What it brings is told once.
final class HealthProbe: ClientStream {
    enum Outcome {
        case status(UInt16)
        case failed(UpstreamFailure)
        case tooLate

        /// 2xx and 3xx.
        var isWell: Bool {
            if case .status(let status) = self { (200..<400).contains(status) } else { false }
        }
    }

    /// Bytes of an answer that are read, so that its connection can be used again.
    private static let bodyLimit = 64 << 10
    private var exchange: Exchange?
    private var limit: LoopTimer?
    private var told: ((Outcome) -> Void)?
    private var bytes = 0

    /// - Parameters:
    ///   - head: the request; its target is `target`.
    ///   - limit: nanoseconds until the answer's head must have come, and then again its end.
    init(_ head: RequestHead, _ target: CanonicalTarget, to member: UpstreamMember, of site: Site, by gateway: Gateway, on server: Server, limit nanoseconds: UInt64,
         _ told: @escaping (Outcome) -> Void) {
        self.told = told
        let exchange = Exchange(from: self, to: server, peer: IPAddress.loopback, peerText: IPAddress.loopback.description)
        exchange.head = head
        exchange.target = target
        exchange.hasNoBody()
        self.exchange = exchange
        let limit = LoopTimer { [weak self] in self?.limitPassed() }
        self.limit = limit
        server.loop.schedule(limit, after: nanoseconds)
        exchange.probe(member, of: site, by: gateway)
    }

    /// Nobody wants to know any more.
    func cancel() {
        told = nil
        exchange?.clientGone()
        end()
    }

    private func tell(_ outcome: Outcome) {
        let told = self.told
        self.told = nil
        told?(outcome)
    }

    /// What it holds holds it.
    private func end() {
        if let limit { exchange?.loop.cancel(limit) }
        limit = nil
        exchange = nil
    }

    private func limitPassed() {
        let exchange = self.exchange
        end()
        exchange?.clientGone()
        tell(.tooLate)
    }

    fileprivate func failed(_ failure: UpstreamFailure) {
        let exchange = self.exchange
        end()
        exchange?.finish()
        tell(.failed(failure))
    }

    // MARK: ClientStream

    let clientConnection: ClientConnection? = nil
    let isWritable = true
    func sendInformational(_ status: UInt16, _ fields: Fields) {}
    func sendHead(_ head: inout ResponseHead) { tell(.status(head.status)) }

    func sendBody(_ bytes: Span<UInt8>) {
        self.bytes += bytes.count
        if self.bytes > Self.bodyLimit { cancel() }
    }

    func sendEnd(_ trailers: Fields?) {
        let exchange = self.exchange
        end()
        exchange?.finish()
    }

    func abort() {
        end()
        tell(.failed(.broken))
    }

    func becomeTunnel() {}
    func resumeBody() {}
    func bodyPassedOn(_ count: Int) {}
    func endTunnelOutput() {}
}

/// Nobody decides over checks, and nothing is recorded of them.
final class HealthProbeHandler: ExchangeHandler {
    func begin(_ exchange: Exchange) {}
    func wouldPass(_ exchange: Exchange) -> Bool { true }
    func finished(_ exchange: Exchange) {}
    func abused(_ bound: HTTP2Abuse, by client: String) {}
    func refuse(_ exchange: Exchange, _ fault: ProtocolFault) { upstreamFailed(exchange, .broken) }
    func upstreamFailed(_ exchange: Exchange, _ failure: UpstreamFailure) { (exchange.client as? HealthProbe)?.failed(failure) }
}
