internal import Access
internal import Bytes
internal import Crypto
internal import HTTP
internal import Proxy
internal import WeCom

/// `/.menwei/scan` and all below it: login by a QR code that the gateway draws, for browsers that cannot reach WeCom themselves. What the phone does
/// with it is in ScanAnswer.swift.
extension Portal {
    /// - Parameter rest: what follows `/.menwei/scan`.
    func scan(_ asked: Asked, _ rest: Substring) async throws(Trouble) -> OwnResponse {
        if rest.isEmpty { return try await get(asked, head: false) { () async throws(Trouble) in try await askForScan(asked) } }
        let parts = rest.dropFirst().split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let code = ScanCode(parts[0]), parts.count == 1 || parts[1] == "wait" else { return refuse(.noSuchOwnPath, asked) }
        if parts.count == 2 { return try await get(asked, head: false) { () async throws(Trouble) in try await awaitScan(asked, code) } }
        switch asked.request.method {
        case "GET": return try await showScan(asked, code)
        case "POST": return try await answerScan(asked, code)
        default: return refuse(.methodNotAllowed(allow: "GET, POST"), asked)
        }
    }

    /// `/.menwei/scan`: a new code, and the page that waits with it.
    private func askForScan(_ asked: Asked) async throws(Trouble) -> OwnResponse {
        guard options.mayScan(from: asked.request.client) else { return refuse(.noSuchOwnPath, asked) }
        let journey = Journey(asked.query, returnTo: returnAddress(asked))
        var cookies: [String] = []
        let browser = try tryCookie(asked, setting: &cookies)
        return try await newScan(asked, journey, browser: browser) ?? tooManyScansPage(asked, journey)
    }

    /// The page with a new code; nil where the browser's address has asked for too many.
    /// - Parameter browser: its try cookie, which is set anew, since an old one would go before the code does.
    func newScan(_ asked: Asked, _ journey: Journey, browser: String) async throws(Trouble) -> OwnResponse? {
        guard scanBudget.allows(asked.request.client, now: asked.now) else { return nil }
        scanBudget.spend(asked.request.client, now: asked.now)
        let code: ScanCode, numbers: Scan.Numbers?
        do {
            code = ScanCode(random: try options.random(ScanCode.randomBytes))
            numbers = Scan.Numbers(random: try options.random(48))
        } catch { throw .random }
        guard let numbers else { throw .random }
        let scan = Scan(
            browser: fingerprint(browser), journey: journey, address: asked.request.client, agent: String(asked.agent.prefix(512)), asked: asked.now, numbers: numbers)
        let isNew = try await Trouble.store { () async throws(StoreFailure) in
            try await store.put(
                .scan, code.key, scan.encoded, of: AddressBudget.owner(asked.request.client), expires: asked.now.advanced(by: Scan.memory),
                now: asked.now)
        }
        guard isNew else { throw .random }
        records.scan("asked", nil, asked)
        return waitingPage(asked, code, scan, cookies: [tryCookie(browser)])
    }

    /// What is remembered of a code, and what it has come to. Nil: there is none, or it was forgotten.
    func knownScan(_ code: ScanCode, _ asked: Asked) async throws(Trouble) -> (scan: Scan, stage: Scan.Stage)? {
        let found = try await Trouble.store { () async throws(StoreFailure) -> (scan: [UInt8], answer: [UInt8]?)? in
            guard let scan = try await store.peek(.scan, code.key, now: asked.now) else { return nil }
            return (scan, try await store.peek(.scan, code.answerKey, now: asked.now))
        }
        guard let found, let scan = Scan(found.scan, address: { returnAddress($0, on: options.authOrigin, allowPath: false) }) else { return nil }
        return (scan, scan.stage(found.answer.map { Scan.Answer($0) }, now: asked.now))
    }

    /// Whether it is the browser that asked for the code, and may still have one.
    func isAsking(_ asked: Asked, _ scan: Scan) -> Bool {
        guard let value = asked.cookie(CookieNames.attempt) else { return false }
        return constantTimeEqual(Array(fingerprint(value).utf8), Array(scan.browser.utf8)) && options.mayScan(from: asked.request.client)
    }

    /// `/.menwei/scan/CODE/wait`: what becomes of the code, to the asking browser alone. A stream of events; one JSON object for whoever asks for JSON.
    private func awaitScan(_ asked: Asked, _ code: ScanCode) async throws(Trouble) -> OwnResponse {
        guard let (scan, stage) = try await knownScan(code, asked), isAsking(asked, scan) else { return refuse(.noSuchOwnPath, asked) }
        let event = ScanEvent(stage)
        if asked.request.fields.text(.accept)?.contains("application/json") == true {
            return data("application/json", JSONText.object([("state", .text(event?.rawValue ?? "waiting"))]).bytes, cache: "no-store")
        }
        var response = data("text/event-stream", event?.line ?? [], cache: "no-store")
        // Some proxies hold an answer back until it is whole, unless they are told.
        response.fields.append(("X-Accel-Buffering", "no"))
        if event != nil { return response }
        guard let scans, scans.hasRoom(for: asked.request.client) else {
            return OwnResponse(status: 429, fields: [("Retry-After", "2"), ("Cache-Control", "no-store")])
        }
        response.stream = scans.waiting(for: scan, at: code.answerKey, client: asked.request.client)
        return response
    }

    /// `/.menwei/scan/CODE`: for the asking browser what became of it, at last its session; for everybody else the page that asks.
    private func showScan(_ asked: Asked, _ code: ScanCode) async throws(Trouble) -> OwnResponse {
        guard let (scan, stage) = try await knownScan(code, asked) else { return scanOverPage(asked, .unknown) }
        guard isAsking(asked, scan) else { return try await showToPhone(asked, code, scan, stage) }
        switch stage {
        case .waiting: return waitingPage(asked, code, scan)
        case .refused: return notLetInPage(asked, scan, wasRefused: true)
        case .expired: return notLetInPage(asked, scan, wasRefused: false)
        case .approved(let sid, let account): return try await collect(asked, code, scan, sid: sid, account: account)
        }
    }

    /// A session of its own for the asking browser, once, while the one that approved lives.
    private func collect(_ asked: Asked, _ code: ScanCode, _ scan: Scan, sid: String, account: String) async throws(Trouble) -> OwnResponse {
        let session = try await Trouble.store { () async throws(StoreFailure) -> SessionRecord? in
            guard try await store.take(.scan, code.key, now: asked.now) != nil else { return nil }
            return try await store.list(account: account, now: asked.now).first { $0.sid == sid }
        }
        guard let session, options.knows(session.member) else { return notLetInPage(asked, scan, wasRefused: false) }
        var journey = scan.journey
        // The page's script alone sees what stood after `#`.
        if let fragment = asked.query.one("fragment") { journey.fragment = Journey.fragment(fragment) }
        return try await arrive(session.member, amr: ["wecom", "scan"], checked: session.checked, journey, asked)
    }
}
