/// Puts the decoded field lines of one header block into a `RequestHead` or a trailer section. nghttp2 has checked by then what RFC 9113 8.2
/// and 8.3 ask of names, values and pseudo-header fields; here are the limits, what HTTP/1 behind the gateway makes dangerous, and what the
/// gateway does not serve.
struct HTTP2HeadBuilder {
    enum Outcome: Equatable {
        case complete
        /// The request can be answered with the fault's status.
        case fault(ProtocolFault)
        /// The stream is reset.
        case malformed
    }

    private(set) var head = RequestHead()
    /// `u=` of the `priority` field (RFC 9218), 0…7.
    private(set) var urgency: UInt8 = 3
    private let headBytes: Int
    private let fieldCount: Int
    private let targetBytes: Int
    private let abuseFactor: Int
    private var bytes = 0
    private var fields = 0
    private var host: Fields.Entry?
    private var isPlain = false
    /// `:protocol` (RFC 8441 section 4)
    private enum Tunnel { case none, webSocket, other }
    private var tunnel = Tunnel.none
    private var webSocketVersions = 0
    private var contentLength: UInt64?
    private var fault: ProtocolFault?
    private var isMalformed = false

    init(_ limits: HTTP2Limits) {
        headBytes = limits.headBytes
        fieldCount = limits.fields
        targetBytes = limits.targetBytes
        abuseFactor = max(1, limits.abuseFactor)
    }

    /// Begins a block: in `fresh`, whose memory is used again.
    mutating func begin(_ fresh: consuming RequestHead) {
        head = fresh
        head.version = .http2
        urgency = 3
        bytes = 0
        fields = 0
        host = nil
        isPlain = false
        tunnel = .none
        webSocketVersions = 0
        contentLength = nil
        fault = nil
        isMalformed = false
    }

    /// Moves the head out.
    mutating func take() -> RequestHead {
        var taken = RequestHead()
        swap(&taken, &head)
        return taken
    }

    /// Adds a field line. False: so far over the limits that the connection must end.
    mutating func add(name: Span<UInt8>, value: Span<UInt8>) -> Bool {
        let isPseudo = name.count > 0 && name[0] == 0x3A
        if !isPseudo { fields &+= 1 }
        bytes &+= name.count &+ value.count &+ 4
        if fields > fieldCount || bytes > headBytes {
            // Nothing is stored from here on.
            if fault == nil { fault = isPseudo && value.count > targetBytes ? Self.longTarget : Self.largeHead }
            return fields <= fieldCount &* abuseFactor && bytes <= headBytes &* abuseFactor
        }
        if isPseudo {
            addPseudo(name: name, value: value)
        } else {
            addField(name: name, value: value)
        }
        return true
    }

    /// Judges the whole block of a request.
    mutating func finish(endStream: Bool) -> Outcome {
        if let fault { return .fault(fault) }
        if isMalformed { return .malformed }
        if head.method == .connect, tunnel == .webSocket { return finishWebSocket(endStream: endStream) }
        if head.method == .connect || head.method == .trace {
            return .fault(ProtocolFault("method-not-allowed", status: 405))
        }
        guard findAuthority(), isTargetForm else { return .malformed }
        if endStream {
            head.body = .none
        } else if let contentLength, contentLength > 0 {
            head.body = .exactly(contentLength)
        } else {
            head.body = .untilEnd
        }
        return expectation()
    }

    /// An extended CONNECT for a WebSocket (RFC 8441 section 5): from here on it is what the same handshake is over HTTP/1.1, a GET without a body.
    private mutating func finishWebSocket(endStream: Bool) -> Outcome {
        guard !endStream, contentLength == nil, webSocketVersions == 1, findAuthority(), isTargetForm else { return .malformed }
        let start = head.fields.arena.count
        head.fields.arena.append(contentsOf: "GET".utf8)
        head.methodBytes = start..<head.fields.arena.count
        head.method = .get
        head.isWebSocket = true
        head.body = .none
        return expectation()
    }

    /// Judges the whole block of a trailer section; its fields are `head.fields`.
    func finishTrailers() -> Outcome { fault != nil || isMalformed ? .malformed : .complete }

    static let largeHead = ProtocolFault("head-too-large", status: 431)
    static let longTarget = ProtocolFault("long-target", status: 414)
}

extension HTTP2HeadBuilder {
    private mutating func store(_ span: Span<UInt8>) -> Range<Int> {
        let start = head.fields.arena.count
        unsafe span.withUnsafeBytes { unsafe head.fields.arena.append(contentsOf: $0) }
        return start..<head.fields.arena.count
    }

    private mutating func addPseudo(name: Span<UInt8>, value: Span<UInt8>) {
        guard name.count > 1 else { return isMalformed = true }
        switch (name[1], name.count) {
        case (0x6D, 7):  // :method
            guard let method = Method(token: value) else { return isMalformed = true }
            head.methodBytes = store(value)
            head.method = method
        case (0x70, 5):  // :path
            if value.count > targetBytes { return fault = Self.longTarget }
            head.target = store(value)
        case (0x61, 10):  // :authority
            if Authority(value) == nil { return isMalformed = true }
            head.authority = store(value)
        case (0x70, 9):  // :protocol
            tunnel = equalsIgnoringCase(value, "websocket") ? .webSocket : .other
        case (0x73, 7):  // :scheme; the listener knows how it is spoken to, only other protocols' names are refused
            isPlain = equalsIgnoringCase(value, "http")
            if !isPlain && !equalsIgnoringCase(value, "https") { isMalformed = true }
        default: isMalformed = true
        }
    }

    private mutating func addField(name: Span<UInt8>, value: Span<UInt8>) {
        let known = KnownField(name: name)
        // The key and its answer are between the gateway and the upstream (RFC 8441 section 5): two keys would be no handshake.
        if tunnel != .none, known == .secWebSocketKey || known == .secWebSocketAccept { return }
        head.fields.append(name: name, value: value, known: known)
        if known == .other {
            if equalsIgnoringCase(name, "priority") { readPriority(value) }
            return
        }
        switch known {
        case .host:
            if host != nil { isMalformed = true }
            host = head.fields.entries.last
        case .contentLength:
            let length = MessageFraming.decimal(value)
            if length == nil || contentLength != nil { isMalformed = true }
            contentLength = length
        case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade:
            isMalformed = true
        case .secWebSocketVersion: webSocketVersions &+= 1
        case .te:
            if !equalsIgnoringCase(value, "trailers") { isMalformed = true }
        default: break
        }
    }

    /// RFC 9113 8.3.1: the authority stands in `:authority`, or in `Host`, or the same in both.
    private mutating func findAuthority() -> Bool {
        guard let host else { return !head.authority.isEmpty }
        if head.authority.isEmpty {
            head.authority = host.value
            return Authority(head.fields.arena.span.extracting(host.value)) != nil
        }
        let arena = head.fields.arena.span
        return Authority.same(arena.extracting(head.authority), arena.extracting(host.value), defaultPort: isPlain ? 80 : 443)
    }

    /// RFC 9113 8.3.1: `:path` begins with `/`, or is `*` for OPTIONS.
    private var isTargetForm: Bool {
        guard let first = head.fields.arena[head.target].first else { return false }
        return first == 0x2F || (first == 0x2A && head.target.count == 1 && head.method == .options)
    }

    private mutating func expectation() -> Outcome {
        for entry in head.fields.entries where entry.known == .expect {
            guard equalsIgnoringCase(head.fields.arena.span.extracting(entry.value), "100-continue") else {
                return .fault(ProtocolFault("expectation", status: 417))
            }
            head.expectsContinue = head.body != .none
        }
        return .complete
    }

    /// RFC 9218 4.1, as far as the gateway heeds it: `u=0` … `u=7` anywhere among the parameters.
    private mutating func readPriority(_ value: Span<UInt8>) {
        var i = 0
        while i &+ 2 < value.count {
            let atStart = i == 0 || value[i &- 1] == 0x2C || value[i &- 1] == 0x20
            if atStart, value[i] == 0x75, value[i &+ 1] == 0x3D, value[i &+ 2] &- 0x30 < 8 { urgency = value[i &+ 2] &- 0x30 }
            i &+= 1
        }
    }
}
