import Access
import Bytes
import EventLoop
public import HTTP
import Telemetry

/// What the gateway leaves behind of each exchange (README, *Operate*).
extension Gateway {
    /// One access record, encoded on the worker and handed over as bytes.
    func record(_ exchange: Exchange, _ duration: UInt64) {
        var record = AccessRecord()
        record.time = loop.wall
        record.status = exchange.status
        record.decision = exchange.trace.decision
        if exchange.trace.site >= 0 {
            let site = sites[exchange.trace.site]
            record.site = site.options.id
            if exchange.trace.isJudged { record.rule = site.ruleNames[exchange.trace.ruleNumber] }
        }
        if let session = exchange.session?.record {
            record.account = session.member.account
            record.sid = session.sid
        }
        record.client = exchange.clientText
        record.bytesIn = exchange.bytesIn
        record.bytesOut = exchange.bytesOut
        record.durationNanoseconds = duration
        if let upstream = exchange.trace.upstream {
            record.upstream = upstream
            record.upstreamNanoseconds = exchange.trace.upstreamNanoseconds
        }
        // Moved out for the while, as in `writeRequestHead`.
        var head = RequestHead()
        swap(&head, &exchange.head)
        defer { swap(&head, &exchange.head) }
        record.version = head.version == .http2 ? "HTTP/2" : head.version == .http11 ? "HTTP/1.1" : "HTTP/1.0"
        let arena = head.fields.arena.span
        let agent = head.fields.first(.userAgent)?.value ?? 0..<0
        var line = JSONLine()
        swap(&line, &self.line)
        record.encode(
            requestID: exchange.requestID.digits.span, traceID: arena.extracting(exchange.trace.traceID ?? 0..<0),
            host: arena.extracting(head.authority), method: arena.extracting(head.methodBytes), target: arena.extracting(head.target), userAgent: arena.extracting(agent), into: &line)
        recorder.access(line.bytes)
        swap(&line, &self.line)
    }

    /// Somebody who has a session was refused, or would have been: that is worth an audit record.
    func recordDenied(_ exchange: Exchange, _ site: Site, rule: Int, _ reason: DenyReason) {
        let session = exchange.session?.record
        recorder.audit(AuditEvent(
            exchange.trace.decision == .observed ? .observed : .denied, account: session?.member.account, connection: session?.member.connection,
            client: exchange.clientText, sid: session?.sid, result: reason.rawValue, requestID: exchange.requestID.text, site: site.options.id, rule: site.ruleNames[rule]))
    }

    /// A client broke a bound of HTTP/2: always counted, and told of now and then, since who attacks would like to fill a disk too.
    public func abused(_ bound: HTTP2Abuse, by client: String) {
        metrics.http2Abuse(budget: bound.rawValue)
        guard let unsaid = abusePace.mayWrite(now: loop.now) else { return }
        recorder.log(.warn, "an HTTP/2 client broke a bound", [("budget", bound.rawValue), ("client", client), ("unsaid", String(unsaid))])
    }
}
