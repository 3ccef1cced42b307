/// What a request head says once all its fields are known: where it goes, how its body ends, what its connection is to become. One walk
/// over the fields, no copy.
struct RequestHeadRules {
    private var framing = MessageFraming()
    private var hosts = 0
    private var host = 0..<0
    private var expectations = 0
    private var handshake = WebSocketHandshake()

    /// Fills what `head` leaves open. Ranges of `form` count from the arena's beginning.
    static func apply(to head: inout RequestHead, form: RequestLine.Form) throws(ProtocolFault) {
        var rules = RequestHeadRules()
        try rules.read(head.fields)
        try rules.framing.check(head.version)
        head.authority = try rules.authority(head, form)
        if rules.framing.contentLengths > 1 { head.fields.mergeContentLengths() }
        if rules.framing.isChunked {
            head.body = .chunked
        } else if let length = rules.framing.contentLength, length > 0 {
            head.body = .exactly(length)
        }
        head.keepAlive = rules.framing.keepAlive(head.version)
        head.expectsContinue = rules.expectations > 0 && head.version == .http11 && head.body != .none
        head.hasUpgrade = rules.handshake.upgrades > 0
        head.isWebSocket = rules.handshake.isWhole(head, connectionUpgrades: rules.framing.upgrades)
    }

    private mutating func read(_ fields: borrowing Fields) throws(ProtocolFault) {
        let arena = fields.arena.span
        let entries = fields.entries.span
        for at in 0..<entries.count {
            let entry = entries[at]
            switch entry.known {
            case .other: continue
            case .host:
                hosts += 1
                host = entry.value
            case .contentLength, .transferEncoding, .connection: try framing.note(entry, arena)
            case .expect:
                guard equalsIgnoringCase(arena.extracting(entry.value), "100-continue") else { throw ProtocolFault("expectation", status: 417) }
                expectations += 1
            case .upgrade, .secWebSocketKey, .secWebSocketVersion: handshake.note(entry, arena)
            default: continue
            }
        }
    }

    /// RFC 9112 section 3.2: one Host, missing in HTTP/1.0 only. An absolute form goes before it, whatever it says (section 3.2.2); the
    /// application is told of that one alone.
    private func authority(_ head: borrowing RequestHead, _ form: RequestLine.Form) throws(ProtocolFault) -> Range<Int> {
        guard hosts <= 1 else { throw ProtocolFault("two-hosts") }
        guard hosts == 1 || head.version == .http10 else { throw ProtocolFault("no-host") }
        let arena = head.fields.arena.span
        if hosts == 1, Authority(arena.extracting(host)) == nil { throw ProtocolFault("host") }
        if case .absolute(let authority) = form { return authority }
        return host
    }
}
