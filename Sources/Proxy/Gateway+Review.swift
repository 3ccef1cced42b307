import Access
import Bytes
import EventLoop
import HTTP

/// What becomes of requests that were let through, when the configuration, what is known of who asks, or the time has changed.
extension Gateway {
    /// Whether this gateway would let through what is under way already: the phases of `begin`, asked once more. Answers of the gateway's own, and
    /// what nobody decided about yet, stand.
    public func wouldPass(_ exchange: Exchange) -> Bool {
        if exchange.relay == nil { return true }
        do throws(ProtocolFault) { return try judge(exchange) } catch { return false }
    }

    private func judge(_ exchange: Exchange) throws(ProtocolFault) -> Bool {
        let head = exchange.head
        guard let origin = router.origin(for: head.fields.arena[head.authority]) else { return false }
        // Read anew: of the exchange's own a part may have been taken off for the upstream.
        var target = CanonicalTarget()
        try target.parse(head.fields.arena.span.extracting(head.target))
        let route = Self.route(target.path.span, head, origin)
        if target.isAmbiguous { try Self.refuseSplit(target, head, origin, route) }
        guard !route.isOwn, let site = route.site else { return false }
        try target.check(anyEncoding: site.options.anyEncoding, ignoreCase: site.options.ignoreCase)
        if BrowserMarks.isPreflight(head), head.body == .none { return true }
        // Somebody whom the connections do not know any more is nobody.
        let subject = exchange.session.map(\.subject).flatMap { sessions.knows($0.member) ? $0 : nil }
        let began = WallTime(milliseconds: loop.wall.milliseconds - Int64(clamping: loop.now.since(exchange.started) / 1_000_000))
        let decision = site.policy.decide(
            rule: route.rule, subject: subject, Circumstances(client: exchange.clientAddress, now: loop.wall, began: began))
        let isObserved = site.options.enforcement.letsThrough(decision, hasSession: subject != nil)
        exchange.trace.isTimed = !isObserved && site.policy.asksHours(rule: route.rule)
        switch decision {
        case .anyone, .allow: break
        case .login, .deny: if !isObserved { return false }
        }
        // As nobody's it stands.
        guard head.isWebSocket, exchange.session != nil || site.options.enforcement != .observe else { return true }
        return BrowserMarks.mayOpenWebSocket(head.fields, site.options.origin, trusted: site.options.trustedOrigins)
    }
}
