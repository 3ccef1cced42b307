import Bytes
import EventLoop
import HTTP

/// The upstream's side of an exchange, as the rest of it sees it.
extension Exchange {
    /// Passes the request on; what comes back goes to the client. The body begins to flow when the upstream is connected.
    func forward(to site: Site, by gateway: Gateway) {
        let relay = Relay(self, to: site, by: gateway)
        self.relay = relay
        bodyMode = .relayed
        session?.add(self)
        relay.start()
    }

    /// Asks that upstream, and no other.
    func probe(_ member: UpstreamMember, of site: Site, by gateway: Gateway) {
        let relay = Relay(self, to: site, by: gateway)
        self.relay = relay
        bodyMode = .relayed
        relay.start(at: member)
    }

    func relayBody(_ bytes: Span<UInt8>) {
        if let relay, !relay.isOver { relay.sendBody(bytes) } else { client?.bodyPassedOn(bytes.count) }
    }

    /// The client reads again.
    func clientDrained() { relay?.clientDrained() }

    func abandonUpstream() {
        let relay = self.relay
        self.relay = nil
        relay?.abandon()
    }

    /// More of the body came than the site allows.
    func bodyTooLarge(_ limit: UInt64) {
        abandonUpstream()
        bodyMode = .dropped
        closesConnection = true
        if answerBegun { cutOff() } else { handler.refuse(self, ProtocolFault("body-too-large", status: 413)) }
    }

    func upstreamFailed(_ failure: UpstreamFailure, answerBegun begun: Bool) {
        relay = nil
        if begun || answerBegun { return cutOff() }
        bodyMode = .dropped
        handler.upstreamFailed(self, failure)
    }

    /// No assertion could be made for it: nobody gets in without one.
    func identityFailed() {
        relay = nil
        bodyMode = .dropped
        handler.refuse(self, ProtocolFault("no-assertion", status: 503))
    }

    // MARK: tunnels

    func tunnelBegan() {
        client?.becomeTunnel()
        // Not in the middle of the upstream's call.
        if isEnding { return loop.schedule(LoopTimer { [self] in endWithSession() }, after: 0) }
        endIfTooLate()
    }

    func tunnelEnded() {
        relay = nil
        finish()
    }

    /// The client will send no more through its tunnel.
    func tunnelInputEnded() { relay?.clientEndedTunnel() }

    /// The server drains: WebSockets are told to go away, streams of the gateway's own end, all else may finish.
    func serverDrains() {
        ownStream?.end()
        if let relay, relay.isTunnel { relay.closeTunnel(.goingAway) }
    }

    /// The session behind it is over (logout, revocation), or the rules that a reload brought refuse it: a WebSocket is closed with 1008 at once, and what has
    /// not gone out yet (it waits for an upstream) never does. Anything else gets a second, in which what is no stream ends by itself; then it is cut off.
    func sessionEnded() {
        guard let relay else { return }
        if relay.isTunnel { return relay.closeTunnel(.policyViolation) }
        isEnding = true
        loop.schedule(LoopTimer { [self] in endWithSession() }, after: relay.stream == nil ? 0 : Self.sessionGrace)
    }

    /// The session behind it has passed its limits: streams end, what has an end of its own (an upload, a download) may come to it.
    func sessionExpired() {
        guard let relay else { return }
        if relay.isTunnel { relay.closeTunnel(.policyViolation) } else if isEventStream { cutOff() }
    }

    func noteEventStream(_ fields: Fields) {
        guard let type = fields.first(.contentType), fields.value(type).isEventStream else { return }
        isEventStream = true
        endIfTooLate()
    }

    /// A stream that began when its session had expired already.
    private func endIfTooLate() {
        // Not in the middle of the upstream's call.
        if session?.isExpired == true { loop.schedule(LoopTimer { [weak self] in self?.sessionExpired() }, after: 0) }
    }

    func endWithSession() {
        if isOver || answerEnded { return }
        if let relay, relay.isTunnel { return relay.closeTunnel(.policyViolation) }
        if answerBegun { return cutOff() }
        abandonUpstream()
        handler.refuse(self, ProtocolFault("session-ended", status: 401))
    }

    /// 1 s
    private static let sessionGrace: UInt64 = 1_000_000_000
}

extension ArraySlice<UInt8> {
    /// `text/event-stream`, with parameters or without.
    fileprivate var isEventStream: Bool {
        let name = "text/event-stream".utf8
        guard count >= name.count, zip(self, name).allSatisfy({ $0 | 0x20 == $1 | 0x20 }) else { return false }
        return count == name.count || ";, \t".utf8.contains(self[startIndex + name.count])
    }
}
