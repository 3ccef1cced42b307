public import Access
import Bytes
import Crypto
public import EventLoop
public import HTTP
public import Telemetry

/// What a request goes through, in the order that clients rely on (README, *What clients receive*). One worker's gateway; everything it needs is its own.
///
/// `begin` is the list of phases: authority → path → own paths → site → preflight → session → rule → body limit → upstream. Each phase either
/// hands on or ends the exchange with a `Refusal`; framing was checked by the wire before.
public final class Gateway: ExchangeHandler {
    let loop: EventLoop
    var router: Router
    let sites: [Site]
    let sessions: SessionCache
    /// The pages and the login, below `/.menwei/`.
    let portal: any Responder & RefusalRenderer & FormKeeper
    let identity: IdentityBlocks
    let metrics: WorkerMetrics
    let recorder: Recorder
    let via: ViaName
    /// The access record under construction.
    var line = JSONLine()
    private let ownershipFiles: Set<String>
    private let hasher = Hasher256()
    /// Judges a request's fields. It knows one head at a time: `begin` shows it the head, and `writeRequestHead` once more, since other requests
    /// come in between.
    let hygiene: RequestHygiene
    /// The same for an answer's fields.
    var answerHygiene = ResponseHygiene()
    /// Room for heads on their way to upstreams that speak HTTP/2.
    var headScratch = ByteQueue()
    var headLines = HTTP1RequestLines()
    /// Room for the `Cookie` field that is being put together.
    var cookieScratch: [UInt8] = []
    /// The same for what signatures of requests are over.
    var signatureBase = SignatureBase()
    /// The checks of upstreams, where they are this worker's to do.
    private var checks: HealthChecks?
    /// Targets that no exchange uses, with the room they have grown.
    private var spareTargets: [CanonicalTarget] = []
    var abusePace = RecordPace()
    let formRoom = FormRoom()
    private let eventRoom = FormRoom()
    private let ownCrowd = OwnCrowd(), patientCrowd = OwnCrowd()

    /// - Parameters:
    ///   - sessions: the worker's; it outlives the gateway.
    ///   - metrics: the gateway's own counters, retired with it.
    public init(_ options: GatewayOptions, on loop: EventLoop, sessions: SessionCache, portal: any Responder & RefusalRenderer & FormKeeper, minter: AssertionMinter,
                metrics: WorkerMetrics, recorder: Recorder) {
        self.loop = loop
        self.portal = portal
        self.metrics = metrics
        self.recorder = recorder
        sites = options.sites.enumerated().map {
            Site($1, index: $0, on: loop, health: options.upstreamHealth, metrics: metrics, recorder: recorder)
        }
        router = Router(auth: options.authOrigin, sites: sites)
        self.sessions = sessions
        identity = IdentityBlocks(options, minter: minter, sessions: sessions)
        ownershipFiles = Set(options.ownershipFiles.map { "/" + $0 })
        via = options.via
        hygiene = RequestHygiene(Hygiene(identityHeaders: options.sites.flatMap { $0.identityHeaders.map(\.name) }), via: options.via)
        sessions.watchesHours = sessions.watchesHours || options.sites.contains { $0.rules.contains { $0.allow.hours != nil } }
        if options.sites.contains(where: { $0.health != nil }), options.upstreamHealth.claim() {
            checks = HealthChecks(sites, by: self, health: options.upstreamHealth, recorder: recorder)
        }
    }

    deinit { metrics.retire() }

    // MARK: reload

    /// Signs with another key from now on.
    public func replace(minter: AssertionMinter) { identity.replace(minter: minter) }

    /// Another gateway takes the new requests: checks of upstreams end. Those under way here go on; what they do not need is let go.
    public func close() {
        checks?.stop()
        checks = nil
        for site in sites { site.close() }
    }

    // MARK: phases

    public func begin(_ exchange: Exchange) {
        // Once for all phases: each look through the exchange would count references to the head's arrays.
        let head = exchange.head
        do throws(ProtocolFault) {
            // Who is asked
            guard let origin = router.origin(for: head.fields.arena[head.authority]) else { return refuse(exchange, .unknownHost) }
            exchange.origin = origin
            try hygiene.begin(head.fields)
            exchange.trace.traceID = hygiene.traceID
            if hygiene.isLoop { return refuse(exchange, .loop) }
            if head.isAsterisk { return answerAsterisk(exchange) }
            // What for: one path for site, rule and upstream
            exchange.target = spareTargets.popLast() ?? CanonicalTarget()
            try exchange.target.parse(head.fields.arena.span.extracting(head.target))
            let route = Self.route(exchange.target.path.span, head, origin)
            if exchange.target.isAmbiguous { try Self.refuseSplit(exchange.target, head, origin, route) }
            // A site says what it takes; for all else a path is UTF-8.
            if route.isOwn || route.site == nil { try exchange.target.check(anyEncoding: false, ignoreCase: false) }
            if route.isOwn || isOwnershipFile(exchange.target) || isLobby(exchange.target, origin, route) { return own(exchange, route.site) }
            guard let site = route.site else { return refuse(exchange, .noSuchSite) }
            exchange.trace.site = site.index
            try exchange.target.check(anyEncoding: site.options.anyEncoding, ignoreCase: site.options.ignoreCase)
            if BrowserMarks.isPreflight(head), head.body == .none {
                exchange.trace.decision = .anyone
                return forward(exchange, to: site)
            }
            // Known before the session is: where the store is down, a rule for anyone still lets through.
            exchange.trace.ruleNumber = route.rule
            withSession(exchange) { [self] session in
                // What waited for the store while a reload came is judged by the new rules.
                if exchange.server.handler !== self { return exchange.beginAnew() }
                decide(exchange, site, rule: route.rule, session)
            }
        } catch {
            refuse(exchange, error)
        }
    }

    struct Route: Equatable {
        var isOwn: Bool
        var site: Site?
        var rule: Int

        static func == (a: Self, b: Self) -> Bool { a.isOwn == b.isOwn && a.site === b.site && a.rule == b.rule }
    }

    /// Where a decoded path leads.
    static func route(_ path: Span<UInt8>, _ head: RequestHead, _ origin: Router.OriginTable) -> Route {
        let site = origin.site(for: path)
        if OwnPaths.contains(path) { return Route(isOwn: true, site: site, rule: 0) }
        return Route(isOwn: false, site: site, rule: site?.policy.rule(path: path, method: RuleMethod(head)) ?? 0)
    }

    /// An application may read the path in another way than we do: then both must come to the same.
    static func refuseSplit(_ target: CanonicalTarget, _ head: RequestHead, _ origin: Router.OriginTable, _ route: Route) throws(ProtocolFault) {
        for reading in target.readings() where Self.route(reading.span, head, origin) != route { throw ProtocolFault("ambiguous-path") }
    }

    private func isOwnershipFile(_ target: CanonicalTarget) -> Bool {
        !ownershipFiles.isEmpty && target.path.count < 64 && ownershipFiles.contains(String(decoding: target.path, as: UTF8.self))
    }

    /// Of the gateway's own paths those that are the same for everybody.
    private func isPublic(_ target: CanonicalTarget) -> Bool {
        let path = String(decoding: target.path, as: UTF8.self)
        return ownershipFiles.contains(path) || path == "/.menwei/jwks.json" || path.hasPrefix("/.menwei/assets/")
    }

    /// The auth origin's own first page, where no site has it.
    private func isLobby(_ target: CanonicalTarget, _ origin: Router.OriginTable, _ route: Route) -> Bool {
        route.site == nil && origin.isAuth && target.path == [0x2F]
    }

    /// Finds the session of the host's own cookie: in this worker's cache, else in the store.
    func withSession(_ exchange: Exchange, _ then: @escaping (SessionEntry?) -> Void) {
        guard let value = Cookies.one(CookieNames.session, in: exchange.head.fields), let digest = CookieValue.digest(value, hasher),
            let host = exchange.origin?.origin.host
        else { return then(nil) }
        let key = SessionCache.Key(cookie: digest, host: host)
        func go(_ answer: SessionCache.Answer) {
            switch answer {
            case .live(let entry):
                entry.touch(loop.wall)
                then(entry)
            case .nobody: then(nil)
            case .storeDown:
                if !exchange.isOver { refuseForStore(exchange, then) }
            }
        }
        if let answer = sessions.known(key) { return go(answer) }
        sessions.ask(key) { answer in if !exchange.isOver { go(answer) } }
    }

    /// The store cannot be asked: whoever shows a cookie is refused, but where nobody needs one (README, *What clients receive*).
    private func refuseForStore(_ exchange: Exchange, _ then: (SessionEntry?) -> Void) {
        if exchange.trace.site >= 0 ? isOpenToAnyone(exchange, at: sites[exchange.trace.site]) : isPublic(exchange.target) { return then(nil) }
        refuse(exchange, .storeDown)
    }

    /// Whether nobody is asked for a login.
    private func isOpenToAnyone(_ exchange: Exchange, at site: Site) -> Bool {
        let decision = site.policy.decide(rule: exchange.trace.ruleNumber, subject: nil, circumstances(of: exchange))
        if case .anyone = decision { return true }
        return site.options.enforcement.letsThrough(decision, hasSession: false)
    }

    private func circumstances(of exchange: Exchange) -> Circumstances { Circumstances(client: exchange.clientAddress, now: loop.wall) }

    func decide(_ exchange: Exchange, _ site: Site, rule: Int, _ session: SessionEntry?) {
        exchange.session = session
        exchange.trace.isJudged = true
        let decision = site.policy.decide(rule: rule, subject: session?.subject, circumstances(of: exchange))
        let counts = !site.options.enforcement.letsThrough(decision, hasSession: session != nil)
        switch decision {
        case .anyone: exchange.trace.decision = .anyone
        case .allow:
            exchange.trace.decision = .allow
            exchange.trace.isTimed = site.policy.asksHours(rule: rule)
        case .login:
            exchange.trace.maxAge = site.policy.maxAge(rule: rule)
            exchange.trace.decision = counts ? .login : .observed
            if counts { return askForLogin(exchange, at: site) }
        case .deny(_, let reason):
            exchange.trace.decision = counts ? .deny : .observed
            recordDenied(exchange, site, rule: rule, reason)
            let reference = site.policy.reference(rule)
            if counts { return refuse(exchange, .denied(pattern: reference.pattern, source: reference.source, reason: reason.rawValue)) }
        }
        if exchange.head.isWebSocket, !BrowserMarks.mayOpenWebSocket(exchange.head.fields, site.options.origin, trusted: site.options.trustedOrigins) {
            // Where nobody is refused it goes on as nobody's: another site's script must not speak in anybody's name.
            guard site.options.enforcement == .observe else {
                exchange.trace.decision = .deny
                return refuse(exchange, .foreignOrigin)
            }
            exchange.trace.decision = .observed
            exchange.session = nil
        }
        let limit = site.options.requestBodyLimit
        if limit > 0, case .exactly(let count) = exchange.head.body, count > limit {
            exchange.trace.decision = .refused
            return refuse(exchange, .tooLarge(limit: limit))
        }
        if mayAskForForm(exchange) { return giveBackForm(exchange, to: site, rule: rule) }
        forward(exchange, to: site)
    }

    func forward(_ exchange: Exchange, to site: Site) {
        if Self.isLastHop(exchange.head) { return answerForMethods(exchange) }
        if site.strippedSegments > 0 { exchange.target.strip(segments: site.strippedSegments) }
        exchange.forward(to: site, by: self)
    }

    // MARK: the gateway's own answers

    private func own(_ exchange: Exchange, _ site: Site?) {
        exchange.trace.decision = .own
        var limit = OwnPaths.formLimit
        if OwnPaths.isEvents(exchange.target.path.span) {
            limit = OwnRequest.bodyLimit
            var size = limit
            if case .exactly(let count) = exchange.head.body, count < limit { size = Int(count) }
            let client = IPAddress(exchange.clientText)?.neighbourhood.description ?? ""
            guard let room = eventRoom.share(size, for: client) else { return refuse(exchange, .storeDown) }
            exchange.formRoom = room
        }
        let patience = patience(with: exchange)
        let beginsLogin = OwnPaths.beginsLogin(exchange.target.path.span)
        exchange.collectBody(limit: limit) { [self] body in
            loop.cancel(patience)
            withSession(exchange) { [self] session in
                // What waited for its body or for the store while a reload came is answered by the new configuration.
                if exchange.server.handler !== self { return exchange.beginAnew(with: body) }
                exchange.session = session
                ask(exchange, body, isPatient: beginsLogin && session == nil)
            }
        }
    }

    /// - Parameter isPatient: strangers may ask for it in any number; it waits behind all else that is asked of the store.
    private func ask(_ exchange: Exchange, _ body: [UInt8], isPatient: Bool) {
        let crowd = isPatient ? patientCrowd : ownCrowd
        guard let place = crowd.enter(exchange.clientText) else { return refuse(exchange, .storeDown) }
        let request = describe(exchange, body: body)
        let portal = self.portal
        let limit = LoopTimer { [self] in if !exchange.isOver { refuse(exchange, .storeDown) } }
        loop.schedule(limit, after: exchange.server.nanoseconds.ownAnswer)
        loop.spawn(priority: isPatient ? .low : .medium) { [self] in
            let response = await portal.respond(to: request)
            crowd.leave(place)
            loop.cancel(limit)
            if !exchange.isOver { exchange.answer(response) }
        }
    }

    private func answerAsterisk(_ exchange: Exchange) {
        exchange.trace.decision = .own
        answerForMethods(exchange)
    }

    /// The answer to an OPTIONS that goes no further.
    private func answerForMethods(_ exchange: Exchange) {
        exchange.answer(OwnResponse(status: 204, fields: [("Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH")]))
    }

    /// A refusal becomes an answer here and nowhere else.
    func refuse(_ exchange: Exchange, _ refusal: Refusal) {
        let request = describe(exchange, body: [])
        exchange.answer(portal.answer(refusal, to: request, audience: Audience.classify(exchange.head)))
    }

    public func refuse(_ exchange: Exchange, _ fault: ProtocolFault) {
        exchange.trace.decision = .refused
        // After a broken message nobody knows where the next one begins; an oversized or unwelcome one leaves no doubt over HTTP/2 only.
        exchange.closesConnection = true
        switch fault.status {
        case 413 where exchange.formLimit > 0: refuse(exchange, .formTooLarge(limit: UInt64(exchange.formLimit)))
        case 413: refuse(exchange, .tooLarge(limit: exchange.trace.site >= 0 ? sites[exchange.trace.site].options.requestBodyLimit : UInt64(exchange.collectLimit)))
        case 401: refuse(exchange, .loginRequired)
        // It cannot be said who is asking, so nobody is let in.
        case 503: refuse(exchange, .storeDown)
        default: refuse(exchange, .malformed(status: Int(fault.status), code: fault.code.rawValue))
        }
    }

    public func upstreamFailed(_ exchange: Exchange, _ failure: UpstreamFailure) {
        switch failure {
        case .unreachable, .outOfMeans: refuseAsUnreachable(exchange)
        case .timedOut: refuse(exchange, .upstreamTimedOut)
        case .broken, .staleConnection, .unanswered, .notExecuted: refuse(exchange, .upstreamBroken)
        }
    }

    func describe(_ exchange: Exchange, body: [UInt8]) -> OwnRequest {
        func text(_ range: Range<Int>) -> String { String(decoding: exchange.head.fields.arena[range], as: UTF8.self) }
        let target = text(exchange.head.target)
        return OwnRequest(
            method: text(exchange.head.methodBytes), origin: exchange.origin?.origin, authority: text(exchange.head.authority),
            path: String(decoding: exchange.target.path, as: UTF8.self), target: target,
            query: target.firstIndex(of: "?").map { String(target[target.index(after: $0)...]) } ?? "", fields: exchange.head.fields, body: body,
            client: exchange.clientText, version: exchange.head.version, requestID: exchange.requestID.text, session: exchange.session?.record,
            site: exchange.trace.site >= 0 ? sites[exchange.trace.site].options.id : nil, maxAge: exchange.trace.maxAge)
    }

    // MARK: what goes upstream with it

    /// The identity headers of a session for a site, made once and then copied.
    func identityBlock(for session: SessionEntry, at site: Site) -> IdentityBlock? {
        identity.block(for: session, at: site, now: loop.wall)
    }

    /// Shows the head to `hygiene`; false where it contradicts itself.
    func beginHygiene(_ fields: Fields) -> Bool {
        do throws(ProtocolFault) {
            try hygiene.begin(fields)
            return true
        } catch {
            return false
        }
    }

    // MARK: the end

    public func finished(_ exchange: Exchange) {
        let duration = loop.clock().since(exchange.started)
        metrics.request(site: exchange.trace.site, status: exchange.status, decision: exchange.trace.decision, durationNanoseconds: duration)
        record(exchange, duration)
        if spareTargets.count < 256 {
            var target = CanonicalTarget()
            swap(&target, &exchange.target)
            spareTargets.append(target)
        }
    }
}

extension RequestHead {
    /// `OPTIONS *`: the server as a whole is asked.
    fileprivate var isAsterisk: Bool { target.count == 1 && fields.arena[target.lowerBound] == 0x2A }
}
