/// Reads an upstream's responses over HTTP/1.0 and HTTP/1.1 (RFC 9112). As strict as the request parser in all that frames a message,
/// since a response misread is the next person's answer; it forgives only a missing reason phrase.
///
/// `begin` names the request that is to be answered; bytes that come unasked are a fault. Interim responses (100–199) come as `.head`
/// events without an end; after a 101 everything up to the connection's end is body. Faults carry the status 502.
public struct ResponseParser: Sendable {
    private enum Stage: Sendable {
        case idle, statusLine, fields, body
        case failed(ProtocolFault)
    }

    /// How many interim responses may come before the final one.
    public static let interimLimit = 16

    /// The head last reported by `.head`. Empty once the next one begins to come, until it is whole.
    public var head = ResponseHead()
    /// The trailers of the message that `.end` reported.
    public private(set) var trailers = Fields()

    private let limits: HeadLimits
    private var stage = Stage.idle
    private var scanner = LineScanner()
    private var body: BodyDecoder
    private var requestMethod = Method.get
    private var askedForUpgrade = false
    private var interims = 0
    /// What was read of a head that is not complete.
    private var status: UInt16 = 0
    private var version = HTTPVersion.http11
    private var entries: [Fields.Entry] = []

    public init(limits: HeadLimits = .response) {
        self.limits = limits
        body = BodyDecoder(limits: limits)
    }

    /// No response is awaited.
    public var isIdle: Bool {
        if case .idle = stage { true } else { false }
    }

    /// The message is complete but for its `.end(consumed: 0)`, which `next` tells without further bytes.
    public var isAtEnd: Bool {
        if case .body = stage { body.isAtEnd } else { false }
    }

    /// A request was sent: its method decides whether a body comes (HEAD), `askedForUpgrade` whether 101 may.
    public mutating func begin(requestMethod: Method, askedForUpgrade: Bool = false) {
        guard isIdle else {
            stage = .failed(ProtocolFault("responses-mixed", status: 502))
            return
        }
        self.requestMethod = requestMethod
        self.askedForUpgrade = askedForUpgrade
        interims = 0
        trailers.removeAll()
        awaitHead()
    }

    /// Gives back the memory of the last head; for connections that wait.
    public mutating func release() {
        guard isIdle else { return }
        head = ResponseHead()
        trailers = Fields()
        entries = []
    }

    /// What lies at the front of `input`, which must begin where the last event's consumption ended.
    public mutating func next(_ input: Span<UInt8>) throws(ProtocolFault) -> ParserEvent {
        do throws(ProtocolFault) {
            switch stage {
            case .idle:
                guard input.isEmpty else { throw ProtocolFault("unasked-bytes") }
                return .needMore
            case .statusLine, .fields: return try readHead(input)
            case .body:
                let event = try body.next(input, trailers: &trailers)
                if case .end = event { stage = .idle }
                return event
            case .failed(let fault): throw fault
            }
        } catch {
            throw fail(error)
        }
    }

    /// The upstream closed, and everything it sent was shown to `next`. True: that was the end of the response's body. False: no response
    /// was awaited. Throws where it was cut off.
    public mutating func connectionEnded() throws(ProtocolFault) -> Bool {
        switch stage {
        case .idle: return false
        case .failed(let fault): throw fault
        case .body where body.mayEndHere:
            stage = .idle
            return true
        case .statusLine, .fields, .body: throw fail(ProtocolFault("cut-off"))
        }
    }

    private mutating func fail(_ fault: ProtocolFault) -> ProtocolFault {
        var fault = fault
        fault.status = 502
        stage = .failed(fault)
        return fault
    }

    private mutating func awaitHead() {
        entries.removeAll(keepingCapacity: true)
        scanner = LineScanner()
        stage = .statusLine
    }

    private mutating func readHead(_ input: Span<UInt8>) throws(ProtocolFault) -> ParserEvent {
        // Not before: the caller may still be reading the head of an interim response.
        if !input.isEmpty, !head.fields.arena.isEmpty { head.reset() }
        if case .statusLine = stage { try Self.checkBeginning(input) }
        while let line = try scanner.next(input, limit: limits.headBytes) {
            if case .statusLine = stage {
                try readStatusLine(input, line)
                stage = .fields
                continue
            }
            if line.isEmpty { return try finishHead(input) }
            guard entries.count < limits.fields else { throw ProtocolFault("too-many-fields") }
            entries.append(try FieldLine.parse(input, line, base: 0))
        }
        guard input.count < limits.headBytes else { throw ProtocolFault("head-too-large") }
        return .needMore
    }

    /// What does not begin as a response never becomes one: nobody waits for the end of a line that may not come.
    private static func checkBeginning(_ input: Span<UInt8>) throws(ProtocolFault) {
        let name: StaticString = "HTTP/"
        for at in 0..<min(5, input.count) where unsafe input[at] != name.utf8Start[at] { throw ProtocolFault("version") }
    }

    /// `HTTP-version SP status-code [ SP reason-phrase ]`
    private mutating func readStatusLine(_ input: Span<UInt8>, _ line: Range<Int>) throws(ProtocolFault) {
        guard line.count >= 12, input[line.lowerBound + 8] == 0x20, line.count == 12 || input[line.lowerBound + 12] == 0x20 else {
            throw ProtocolFault("status-line")
        }
        version = try HTTPVersion(line: input.extracting(line.prefix(8)))
        status = 0
        for at in line.dropFirst(9).prefix(3) {
            guard isDigit(input[at]) else { throw ProtocolFault("status-code") }
            status = status * 10 + UInt16(input[at] & 15)
        }
        guard status >= 100 else { throw ProtocolFault("status-code") }
    }

    private mutating func finishHead(_ input: Span<UInt8>) throws(ProtocolFault) -> ParserEvent {
        let consumed = scanner.lineStart
        head.reset()
        head.status = status
        head.version = version
        head.fields.adopt(input.extracting(0..<consumed))
        swap(&head.fields.entries, &entries)
        var framing = MessageFraming()
        for entry in head.fields.entries where entry.known != .other { try framing.note(entry, head.fields.arena.span) }
        try framing.check(head.version)
        if framing.contentLengths > 1 { head.fields.mergeContentLengths() }
        head.keepAlive = framing.keepAlive(head.version)
        if head.status < 200 {
            try finishInterim()
            return .head(consumed: consumed)
        }
        head.body = bodyLength(framing)
        if head.body == .untilEnd { head.keepAlive = false }
        body.begin(head.body)
        stage = .body
        return .head(consumed: consumed)
    }

    private mutating func finishInterim() throws(ProtocolFault) {
        interims += 1
        guard interims <= Self.interimLimit else { throw ProtocolFault("too-many-interim-responses") }
        guard head.status == 101 else { return awaitHead() }
        guard askedForUpgrade, head.version == .http11 else { throw ProtocolFault("unasked-upgrade") }
        head.body = .untilEnd
        head.keepAlive = false
        body.begin(.untilEnd)
        stage = .body
    }

    /// RFC 9112 section 6.3
    private mutating func bodyLength(_ framing: MessageFraming) -> BodyLength {
        if requestMethod == .head || head.status == 304 { return .none }
        if head.status == 204 {
            // Whoever announces a body where there can be none may yet send one: nothing after this is trusted.
            if framing.isChunked || framing.contentLength ?? 0 > 0 { head.keepAlive = false }
            return .none
        }
        if framing.isChunked { return .chunked }
        guard let length = framing.contentLength else { return .untilEnd }
        return length > 0 ? .exactly(length) : .none
    }
}
