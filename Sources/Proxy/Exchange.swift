import Access
public import Bytes
import EventLoop
public import HTTP
public import Telemetry

/// One request and its answer, from the first byte of its head to its record: the point where the client's side, the handler's decision and the
/// upstream's side meet. It belongs to one loop.
///
/// Its life: a wire makes it and calls `handler.begin`; the handler either answers it (`answer`), collects its body first
/// (`collectBody`), or forwards it (`forward`, in Exchange+Relay.swift); the wire calls `finish` when both directions are through.
public final class Exchange {
    /// What becomes of the request's body.
    enum BodyMode {
        /// Nobody has decided yet: it stays where it is.
        case held
        case collected
        case relayed
        case dropped
    }

    /// The request's head; of a broken one as much as could be read.
    public var head = RequestHead()
    public let server: Server
    /// Who decides about it: whoever served the worker when it began. A reload gives the worker another.
    private(set) var handler: any ExchangeHandler
    /// The client's address: the connection's, or what trusted proxies say of it. Every decision and record goes by it.
    private(set) var clientAddress: IPAddress
    /// The same as text, without a port.
    private(set) var clientText: String
    /// When its head was complete, or was found to be broken.
    public let started: MonotonicTime
    public let requestID: RequestID
    private(set) var client: (any ClientStream)?

    // The request's way
    var bodyMode = BodyMode.held
    private(set) var requestIsComplete = false
    /// What followed the body, as it came.
    private(set) var trailers = Fields()
    private var collected: [UInt8] = []
    private(set) var collectLimit = 0
    private var onCollected: (([UInt8]) -> Void)?
    public private(set) var bytesIn: UInt64 = 0
    private var continueSent = false

    // A form that came when the session was over (see Gateway+Forms.swift)
    /// The whole body, in the place of what the client sent with this request.
    var givenBack: [UInt8]?
    /// What it was kept under.
    var formKey: String?
    var formRoom: FormRoom.Share?
    /// Its session is over, or the rules refuse it by now: it has a moment to end by itself, and nothing new is done for it.
    var isEnding = false
    /// What may be kept of it, in bytes; 0: nothing is to be kept.
    var formLimit = 0

    // The answer's way
    private(set) var answerBegun = false
    private(set) var answerEnded = false
    public private(set) var status: UInt16 = 0
    public internal(set) var bytesOut: UInt64 = 0
    /// The client must not use its connection for another request after this one.
    public var closesConnection = false
    /// It is finished, or its client has gone: whoever still waits for something on its behalf lets go.
    public private(set) var isOver = false

    // What the handler knows of it (see Gateway.swift)
    /// What became of it so far, for records and metrics.
    public var trace = ExchangeTrace()
    var origin: Router.OriginTable?
    var target = CanonicalTarget()
    var session: SessionEntry?
    /// The exchange before and after it in its session's list of those under way.
    var nextOfSession: Exchange?
    unowned(unsafe) var previousOfSession: Exchange?

    // The upstream's side (see Exchange+Relay.swift)
    /// Its answer is a stream of events, which goes on for as long as somebody listens.
    var isEventStream = false
    var relay: Relay?
    /// Its answer is a stream of the gateway's own, and goes on.
    private(set) var ownStream: OwnStream?
    /// What the gateway asked the upstream for a WebSocket with, where the client cannot.
    var webSocketKey: WebSocketKey?

    convenience init(from client: any ClientStream, on connection: ClientConnection) {
        self.init(from: client, to: connection.server, peer: connection.address, peerText: connection.addressText)
    }

    init(from client: any ClientStream, to server: Server, peer: IPAddress, peerText: String) {
        self.client = client
        self.server = server
        handler = server.handler
        clientAddress = peer
        clientText = peerText
        started = server.loop.now
        requestID = server.nextRequestID()
    }

    var loop: EventLoop { server.loop }

    // MARK: called by the wire

    /// The head is there, and whole: of a broken one nobody knows what of it is missing, and nothing that it says of the client is believed.
    func headArrived() {
        let client = ForwardedFor.client(head.fields, peer: clientAddress, trusted: server.trusted.forwardedFor)
        if client == clientAddress { return }
        clientAddress = client
        clientText = client.description
    }

    /// The head said that there is no body.
    func hasNoBody() { requestIsComplete = true }

    /// Whether the wire may hand over more of the body.
    var takesBody: Bool {
        switch bodyMode {
        case .held: false
        case .collected, .dropped: true
        case .relayed: relay?.takesBody ?? true
        }
    }

    var isDiscarding: Bool { bodyMode == .dropped }

    func requestBody(_ bytes: Span<UInt8>) {
        bytesIn &+= UInt64(bytes.count)
        switch bodyMode {
        case .held, .dropped:
            client?.bodyPassedOn(bytes.count)
        case .collected:
            if collected.count + bytes.count > collectLimit {
                bodyMode = .dropped
                onCollected = nil
                collected = []
                client?.bodyPassedOn(bytes.count)
                handler.refuse(self, ProtocolFault("body-too-large", status: 413))
                return
            }
            unsafe bytes.withUnsafeBytes { unsafe collected.append(contentsOf: $0) }
            client?.bodyPassedOn(bytes.count)
        case .relayed:
            relayBody(bytes)
        }
    }

    /// The request is complete.
    func requestEnded(_ trailers: Fields = Fields()) {
        if requestIsComplete { return }
        requestIsComplete = true
        self.trailers = trailers
        switch bodyMode {
        case .collected: handOverCollected()
        case .relayed: relay?.sendEnd()
        case .held, .dropped: break
        }
    }

    /// The body's framing is broken, or it does not come: what was begun with it must not count as whole.
    func requestFailed(_ fault: ProtocolFault) {
        closesConnection = true
        requestIsComplete = true
        onCollected = nil
        abandonUpstream()
        if answerBegun { cutOff() } else { handler.refuse(self, fault) }
    }

    /// The client's connection (or stream) is gone.
    func clientGone() {
        if isOver { return }
        client = nil
        abandonUpstream()
        finish()
    }

    /// Both directions are through, or there is nobody left to answer.
    func finish() {
        if isOver { return }
        isOver = true
        client = nil
        onCollected = nil
        session?.remove(self)
        handler.finished(self)
        session = nil
        // The relay holds us: this is where that cycle ends.
        abandonUpstream()
        if let stream = ownStream {
            ownStream = nil
            stream.over()
        }
    }

    /// A reload came while it waited for a decision: it begins anew by what that brought.
    func beginAnew() {
        handler = server.handler
        trace = ExchangeTrace()
        handler.begin(self)
    }

    /// The same, where the body is here already: it goes wherever the request leads now.
    func beginAnew(with body: [UInt8]) {
        if !body.isEmpty { givenBack = body }
        beginAnew()
    }

    // MARK: called by the handler

    /// Collects the body and hands it over whole; the handler is asked to refuse the exchange (413) if it has more than `limit` bytes.
    public func collectBody(limit: Int, _ then: @escaping ([UInt8]) -> Void) {
        collectLimit = limit
        if case .exactly(let count) = head.body, count > UInt64(limit) {
            discardBody()
            return handler.refuse(self, ProtocolFault("body-too-large", status: 413))
        }
        onCollected = then
        bodyMode = .collected
        if requestIsComplete { return handOverCollected() }
        sendContinue()
        client?.resumeBody()
    }

    private func handOverCollected() {
        guard let then = onCollected else { return }
        onCollected = nil
        bodyMode = .dropped
        let body = givenBack ?? collected
        collected = []
        then(body)
    }

    /// Reads the body and forgets it.
    func discardBody() {
        if bodyMode != .dropped {
            bodyMode = .dropped
            abandonUpstream()
        }
    }

    /// `Expect: 100-continue` (RFC 9110 section 10.1.1): the client sends its body once we know what to do with it.
    func sendContinue() {
        if head.expectsContinue, !continueSent, !requestIsComplete, !answerBegun {
            continueSent = true
            client?.sendInformational(100, Fields())
        }
    }

    /// Whether the client still waits to be told to send the body: then it cannot be known what it sends next.
    var awaitsContinue: Bool { head.expectsContinue && !continueSent && !requestIsComplete }

    /// Answers with an answer of the gateway's own.
    public func answer(_ response: OwnResponse) {
        guard let client, !answerBegun else { return }
        // Over HTTP/2 any 2xx would open a WebSocket, and a page be taken for its messages.
        if response.status < 300, opensBySuccess { return answer(OwnResponse(status: 404)) }
        var head = ResponseHead()
        head.status = UInt16(clamping: response.status)
        for (name, value) in response.fields {
            // A value of several lines would let whoever chose it write the rest of the head.
            if value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) { return answer(OwnResponse(status: 500)) }
            head.fields.append(name, value)
        }
        head.fields.append("Date", server.dateCache.value(at: loop.wall).span, known: .date)
        head.fields.append("X-Request-Id", requestID.digits.span, known: .requestID)
        let forbidsBody = response.status == 204 || response.status == 304
        if self.head.method == .head || forbidsBody {
            if !forbidsBody, response.stream == nil { head.fields.append("Content-Length", String(response.body.count)) }
            head.body = .none
        } else if response.stream != nil {
            head.body = .chunked
        } else {
            head.body = .exactly(UInt64(response.body.count))
        }
        if response.close { closesConnection = true }
        if bodyMode == .held || bodyMode == .relayed { discardBody() }
        sendHead(&head)
        if head.body == .chunked, let begin = response.stream {
            let stream = OwnStream(self)
            ownStream = stream
            return begin(stream)
        }
        if head.body != .none {
            bytesOut &+= UInt64(response.body.count)
            client.sendBody(response.body.span)
        }
        sendEnd(nil)
    }

    /// The next piece of a stream of the gateway's own.
    func sendOwn(_ bytes: [UInt8]) {
        guard let client, !answerEnded else { return }
        if !client.isWritable { return cutOff() }
        bytesOut &+= UInt64(bytes.count)
        client.sendBody(bytes.span)
    }

    /// A WebSocket over HTTP/2: any 2xx opens it (RFC 8441 section 5).
    var opensBySuccess: Bool { head.isWebSocket && head.version == .http2 }

    // MARK: the answer, from whichever side it comes

    func sendHead(_ head: inout ResponseHead) {
        answerBegun = true
        status = head.status
        if awaitsContinue { closesConnection = true }
        // Whatever has a length ends by itself.
        if session != nil, relay != nil, head.body == .chunked || head.body == .untilEnd { noteEventStream(head.fields) }
        client?.sendHead(&head)
    }

    func sendEnd(_ trailers: Fields?) {
        if answerEnded { return }
        answerEnded = true
        client?.sendEnd(trailers)
    }

    /// Cuts the answer off so that the client sees that it is not whole.
    func cutOff() {
        let client = self.client
        abandonUpstream()
        client?.abort()
        finish()
    }
}

/// What the handler notes of an exchange while it decides, for records and metrics.
public struct ExchangeTrace {
    /// Refused, until somebody says otherwise.
    public var decision = AccessDecision.refused
    /// Index of the site in the handler's table; -1: none.
    public var site = -1
    /// The rule that decided, from 1; 0: none, or the one behind all written ones.
    public var ruleNumber = 0
    /// A rule was asked.
    public var isJudged = false
    /// The rule that let it in holds at some hours only.
    public var isTimed = false
    /// The rule asks for a login that is no older.
    public var maxAge: Duration?
    /// The upstream's address as configured; nil where none was asked.
    public var upstream: String?
    /// From the decision to forward to the head of the upstream's answer.
    public var upstreamNanoseconds: UInt64 = 0
    /// Where the trace id lies in the head's arena, where the client sent a valid one; else the request's own id is the trace's.
    public var traceID: Range<Int>?
    /// Identity headers go with it.
    var identifies: Bool { decision == .allow || decision == .anyone || decision == .observed }

    public init() {}
}
