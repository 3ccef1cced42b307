/// Reads requests of HTTP/1.0 and HTTP/1.1 (RFC 9112), strictly: what two readers could understand differently is refused, because one of
/// them stands behind us. It eats spans and emits events; it owns no descriptor and copies no body.
///
/// Show it everything unread, drop what the event consumed, ask again. It remembers how far it looked, so bytes may come one by one at no
/// extra cost. After `.end` the next call begins the next request (pipelining). A fault is final: every later call repeats it.
public struct RequestParser: Sendable {
    private enum Stage: Sendable {
        case idle, requestLine, fields, body
        case failed(ProtocolFault)
    }

    /// The head last reported by `.head`; its arrays keep their room from one request to the next. Empty while the next one is on its way;
    /// after a fault in a head, as much of it as had been understood, for records.
    public var head = RequestHead()
    /// The trailers of the message that `.end` reported: strictly parsed, in no way sorted out.
    public private(set) var trailers = Fields()

    private let limits: HeadLimits
    private var stage = Stage.idle
    private var scanner = LineScanner()
    private var body: BodyDecoder
    /// Bytes of the one empty line that may come before a request (RFC 9112 section 2.2).
    private var lead = 0
    /// What was read of a head that is not complete; offsets count from the beginning of the input.
    private var line: RequestLine?
    private var entries: [Fields.Entry] = []

    public init(limits: HeadLimits = .request) {
        self.limits = limits
        body = BodyDecoder(limits: limits)
    }

    /// No byte of a request has been seen since the last one ended: the connection may be closed without cutting anybody off.
    public var isIdle: Bool {
        if case .idle = stage { true } else { false }
    }

    /// The message is complete but for its `.end(consumed: 0)`, which `next` tells without further bytes.
    public var isAtEnd: Bool {
        if case .body = stage { body.isAtEnd } else { false }
    }

    /// Gives back the memory of the last head; for connections that wait.
    public mutating func release() {
        guard isIdle else { return }
        head = RequestHead()
        trailers = Fields()
        entries = []
    }

    /// What lies at the front of `input`, which must begin where the last event's consumption ended. Throws what the client is to be
    /// told: 400, 405, 414, 417, 431, 501 or 505; the connection must then be closed.
    public mutating func next(_ input: Span<UInt8>) throws(ProtocolFault) -> ParserEvent {
        do throws(ProtocolFault) {
            switch stage {
            case .idle:
                guard !input.isEmpty else { return .needMore }
                beginRequest()
                return try readHead(input)
            case .requestLine, .fields: return try readHead(input)
            case .body:
                let event = try body.next(input, trailers: &trailers)
                if case .end = event { stage = .idle }
                return event
            case .failed(let fault): throw fault
            }
        } catch {
            switch stage {
            case .requestLine, .fields: commit(input)
            case .idle, .body, .failed: break
            }
            stage = .failed(error)
            throw error
        }
    }

    private mutating func beginRequest() {
        head.reset()
        trailers.removeAll()
        scanner = LineScanner()
        lead = 0
        line = nil
        entries.removeAll(keepingCapacity: true)
        stage = .requestLine
    }

    private mutating func readHead(_ input: Span<UInt8>) throws(ProtocolFault) -> ParserEvent {
        if case .requestLine = stage {
            guard try readRequestLine(input) else { return .needMore }
            stage = .fields
        }
        let limit = limits.headBytes + lead
        while let line = try scanner.next(input, limit: limit) {
            if line.isEmpty { return try finishHead(input) }
            guard entries.count < limits.fields else { throw ProtocolFault("too-many-fields", status: 431) }
            entries.append(try FieldLine.parse(input, line, base: lead))
        }
        guard input.count < limit else { throw ProtocolFault("head-too-large", status: 431) }
        return .needMore
    }

    /// False while the line is not whole.
    private mutating func readRequestLine(_ input: Span<UInt8>) throws(ProtocolFault) -> Bool {
        while true {
            // Room for the method, two spaces and the version beside the target.
            let limit = min(limits.headBytes, limits.targetBytes + 64) + lead
            guard let line = try scanner.next(input, limit: limit) else {
                guard input.count >= limit else { return false }
                guard RequestLine.beginsWithMethod(input.extracting(lead..<limit)) else { throw ProtocolFault("method") }
                throw ProtocolFault("long-target", status: 414)
            }
            if line.isEmpty {
                guard lead == 0 else { throw ProtocolFault("empty-lines") }
                lead = scanner.lineStart
                continue
            }
            let parts = try RequestLine(input, line, targetLimit: limits.targetBytes)
            self.line = parts
            if parts.isForbidden { throw ProtocolFault("method-not-allowed", status: 405) }
            return true
        }
    }

    private mutating func finishHead(_ input: Span<UInt8>) throws(ProtocolFault) -> ParserEvent {
        let form = commit(input)
        // From here on `head` is whole, whatever is wrong with it.
        stage = .body
        try RequestHeadRules.apply(to: &head, form: form)
        body.begin(head.body)
        return .head(consumed: scanner.lineStart)
    }

    /// Moves what was read so far into `head`, with one copy of its bytes.
    @discardableResult private mutating func commit(_ input: Span<UInt8>) -> RequestLine.Form {
        head.fields.adopt(input.extracting(min(lead, scanner.lineStart)..<scanner.lineStart))
        swap(&head.fields.entries, &entries)
        guard let line else { return .origin }
        head.method = line.method
        head.version = line.version
        head.methodBytes = line.methodBytes.shifted(by: -lead)
        head.target = line.target.shifted(by: -lead)
        guard case .absolute(let authority) = line.form else { return line.form }
        completeTarget()
        return .absolute(authority: authority.shifted(by: -lead))
    }

    /// An absolute form may lack the path; then `/`, and for OPTIONS without a query `*`, is meant (RFC 9112 section 3.2.4).
    private mutating func completeTarget() {
        let old = head.target
        if !old.isEmpty, head.fields.arena[old.lowerBound] == UInt8(ascii: "/") { return }
        let start = head.fields.arena.count
        head.fields.arena.append(UInt8(ascii: old.isEmpty && head.method == .options ? "*" : "/"))
        for at in old { head.fields.arena.append(head.fields.arena[at]) }
        head.target = start..<head.fields.arena.count
    }
}

extension Range<Int> {
    func shifted(by offset: Int) -> Range<Int> { lowerBound + offset..<upperBound + offset }
}
