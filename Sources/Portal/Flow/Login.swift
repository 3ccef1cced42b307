internal import Access
internal import Bytes
internal import Crypto
internal import HTTP
internal import Proxy
internal import WeCom

/// `/.menwei/login`: on a site the way to the auth origin; there the way on, or the login page.
extension Portal {
    func login(_ asked: Asked) async throws(Trouble) -> OwnResponse {
        let journey = Journey(asked.query, returnTo: returnAddress(asked))
        if asked.isSite && !(asked.isAuth && (journey.bind != nil || journey.returnTo.origin != asked.origin)) {
            return try siteLogin(asked, journey, maxAge: maxAge(asked))
        }
        if let session = try await authSession(asked), isFresh(session, asked) {
            return try await goOn(session, journey, asked)
        }
        return try await loginPage(asked, journey)
    }

    /// On a site: makes sure that this browser can be known again, and sends it to the auth origin.
    /// - Parameter maxAge: seconds; a session whose login is older counts as none.
    func siteLogin(_ asked: Asked, _ asks: Journey, maxAge: Int? = nil) throws(Trouble) -> OwnResponse {
        var journey = asks
        let age = maxAge.map { "&max_age=\($0)" } ?? ""
        guard journey.returnTo.origin == asked.origin else {
            journey.bind = nil
            return redirect(302, ownAddress(journey.returnTo.origin, "login?" + journey.query + age))
        }
        var cookies: [String] = []
        let value = try tryCookie(asked, setting: &cookies)
        journey.bind = fingerprint(value)
        return redirect(302, ownAddress(options.authOrigin, "login?" + journey.query + age), cookies: cookies)
    }

    /// Where a login leads in the end. To a page of our own it is counted, or a browser that does not keep the session's cookie would go round for ever.
    func destination(_ journey: Journey) -> String {
        journey.own.map { ownAddress(options.authOrigin, "\($0.path)?try=\(journey.attempt + 1)") } ?? journey.returnTo.url
    }

    /// With a session at the auth origin: to the address itself where that origin has no sites, else to the site with a ticket.
    func goOn(_ session: SessionRecord, _ journey: Journey, _ asked: Asked, cookies: [String] = [], cutsFragment: Bool = false) async throws(Trouble)
        -> OwnResponse
    {
        let target = journey.returnTo.origin
        guard journey.own == nil, options.isSite(target) else {
            return redirect(302, withFragment(destination(journey), journey, cutsFragment: cutsFragment), cookies: cookies)
        }
        guard let bind = journey.bind else {
            return redirect(302, withFragment(ownAddress(target, "login?" + journey.query), journey, cutsFragment: cutsFragment), cookies: cookies)
        }
        let value = try token()
        let ticket = Ticket(origin: target, returnTo: journey.returnTo.url, bind: bind, sid: session.sid)
        _ = try await Trouble.store { () async throws(StoreFailure) in
            try await store.put(.ticket, Digest.sha256(value), ticket.encoded, expires: asked.now.advanced(by: Ticket.life), now: asked.now)
        }
        var rest = journey
        (rest.bind, rest.fragment) = (nil, "")
        return redirect(302, withFragment(ownAddress(target, "finish?ticket=\(value)&" + rest.query), journey, cutsFragment: cutsFragment), cookies: cookies)
    }

    /// The address with the fragment that the journey remembers; redirects that follow inherit it (RFC 9110 section 10.2.2).
    /// - Parameter cutsFragment: what the browser carries along is WeCom's own (`#wechat_redirect`): where nothing is remembered, an empty fragment cuts it off.
    func withFragment(_ address: String, _ journey: Journey, cutsFragment: Bool) -> String {
        if address.contains("#") { return address }
        if journey.fragment.isEmpty { return cutsFragment ? address + "#" : address }
        return address + "#" + journey.fragment
    }

    /// The session behind the auth origin's cookie, if it is live. Only there is that cookie looked at.
    func authSession(_ asked: Asked) async throws(Trouble) -> SessionRecord? {
        guard asked.isAuth, let value = asked.cookie(CookieNames.auth) else { return nil }
        let found = try await Trouble.store { () async throws(StoreFailure) in
            try await store.lookup(Digest.sha256(value), at: .auth, now: asked.now)
        }
        guard case .live(let record) = found, options.knows(record.member) else { return nil }
        return record
    }

    /// The host's own session, else the auth origin's.
    func anySession(_ asked: Asked) async throws(Trouble) -> SessionRecord? {
        if let session = asked.request.session { return session }
        return try await authSession(asked)
    }

    /// Whether the login is young enough for the `max_age` that was asked for.
    private func isFresh(_ session: SessionRecord, _ asked: Asked) -> Bool {
        guard let age = maxAge(asked) else { return true }
        return asked.now.milliseconds - session.authTime.milliseconds <= Int64(age) * 1000
    }

    /// Seconds; nil where none was asked for, or what was asked is no number of at most nine digits.
    func maxAge(_ asked: Asked) -> Int? {
        guard let text = asked.query.one("max_age"), (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }

    /// The try cookie's value; where there is none, a new one, which is added to the cookies to set.
    func tryCookie(_ asked: Asked, setting cookies: inout [String]) throws(Trouble) -> String {
        if let value = asked.cookie(CookieNames.attempt) { return value }
        let value = try token()
        cookies.append(tryCookie(value))
        return value
    }

    func tryCookie(_ value: String) -> String { SetCookie.text(CookieNames.attempt, value, maxAge: .seconds(20 * 60)) }

    /// A cookie that leads to a session. It outlives the session by an hour, in which the store still recognises one that has ended.
    func sessionCookie(_ name: StaticString, _ value: String) -> String {
        SetCookie.text(name, value, maxAge: options.limits.lifetime + .seconds(3600))
    }

    /// `return`, checked; what is no address of ours becomes `/` of the origin that was asked.
    func returnAddress(_ asked: Asked) -> ReturnAddress {
        returnAddress(asked.query.one("return") ?? "/", on: asked.origin, allowPath: asked.isSite)
    }

    func returnAddress(_ text: String, on origin: Origin, allowPath: Bool) -> ReturnAddress {
        ReturnAddress(text, givenTo: origin, configured: options.origins, allowsPath: allowPath)
    }

    /// An address under `/.menwei/` of one of our origins.
    func ownAddress(_ origin: Origin, _ rest: String) -> String { origin.text + "/.menwei/" + rest }
}
