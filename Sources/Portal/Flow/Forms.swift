public import Access
internal import Bytes
internal import Crypto
internal import HTTP
public import Proxy

/// Forms that were sent when the session was over (README, *What clients receive*): kept for the login, and sent again by the browser after it.
extension Portal: FormKeeper {
    public func owner(of request: OwnRequest) async throws(StoreFailure) -> FormOwner? {
        // The login is there, but not young enough for the rule.
        if let session = request.session { return FormOwner(sid: session.sid, connection: session.member.connection, user: session.member.user) }
        guard let origin = request.origin else { return nil }
        let asked = Asked(request, origin: origin, options: options)
        guard let value = asked.cookie(CookieNames.session), let cookie = CookieValue.digest(value),
              case .ended(let sid, let connection, let user, _) = try await store.lookup(cookie, at: .host(origin.host), now: asked.now)
        else { return nil }
        return FormOwner(sid: sid, connection: connection, user: user)
    }

    public func keep(_ request: OwnRequest, of owner: FormOwner) async throws(StoreFailure) -> OwnResponse {
        guard let origin = request.origin else { return answer(.unknownHost, to: request, audience: .call) }
        let asked = Asked(request, origin: origin, options: options)
        // The form of ours that asks for a kept one, and again there is no session: not by itself, or it could go round for ever.
        if let key = KeptForm.key(in: request.body) { return notSent(asked, form: key) }
        var cookies: [String] = []
        let key: String, browser: String
        do throws(Trouble) {
            key = try token()
            browser = try tryCookie(asked, setting: &cookies)
        } catch {
            records.trouble(error, asked)
            return refuse(.storeDown, asked)
        }
        guard let stored = StoredForm(request, origin: origin, owner: owner, browser: fingerprint(browser)) else { return notSent(asked) }
        let isKept = try await store.keepPost(
            Digest.sha256(key), stored.encoded, of: owner.sid, size: request.body.count, expires: asked.now.advanced(by: StoredForm.life), now: asked.now)
        guard isKept else { return notSent(asked) }
        let journey = Journey(returnTo: comingBack(request, origin), bind: fingerprint(browser), form: key)
        let age = request.maxAge.map { "&max_age=\($0.components.seconds)" } ?? ""
        let address = ownAddress(options.authOrigin, "login?" + journey.query + age)
        // For as long as the form is kept the browser must stay one that is known.
        return redirect(303, address, cookies: [tryCookie(browser)])
    }

    public func takeBack(_ key: String, for request: OwnRequest) async throws(StoreFailure) -> KeptForm? {
        guard let origin = request.origin, let session = request.session else { return nil }
        let asked = Asked(request, origin: origin, options: options)
        guard let stored = try await store.peek(.post, Digest.sha256(key), now: asked.now).flatMap({ StoredForm($0) }), fits(stored, asked, session.member),
              stored.target == request.target, try await store.take(.post, Digest.sha256(key), now: asked.now) != nil
        else { return nil }
        // Remembered for whoever comes back to the login from history.
        _ = try await store.put(.post, Self.sentKey(key), [], expires: asked.now.advanced(by: StoredForm.life), now: asked.now)
        return stored.form
    }

    public func putBack(_ key: String, _ request: OwnRequest) async {
        guard let origin = request.origin, let session = request.session else { return }
        let asked = Asked(request, origin: origin, options: options)
        let owner = FormOwner(sid: session.sid, connection: session.member.connection, user: session.member.user)
        guard let browser = asked.cookie(CookieNames.attempt),
              let stored = StoredForm(request, origin: origin, owner: owner, browser: fingerprint(browser))
        else { return }
        do throws(StoreFailure) {
            _ = try await store.take(.post, Self.sentKey(key), now: asked.now)
            _ = try await store.keepPost(
                Digest.sha256(key), stored.encoded, of: owner.sid, size: request.body.count, expires: asked.now.advanced(by: StoredForm.life), now: asked.now)
        } catch {
            records.trouble(.store(error), asked)
        }
    }

    /// The end of a login: to where the person wanted to go, or first the form that was kept.
    func end(_ asked: Asked, _ member: Member, at returnTo: ReturnAddress, cookies: [String] = []) async throws(Trouble) -> OwnResponse {
        guard let key = Journey.form(asked.query.one("form")) else { return redirect(303, returnTo.url, cookies: cookies) }
        let (bytes, isSent) = try await Trouble.store { () async throws(StoreFailure) in
            (try await store.peek(.post, Digest.sha256(key), now: asked.now), try await store.peek(.post, Self.sentKey(key), now: asked.now) != nil)
        }
        if isSent { return redirect(303, returnTo.url, cookies: cookies) }
        guard let stored = bytes.flatMap({ StoredForm($0) }) else { return show(lostFormPage(asked, Catalogue.formLostText, returnTo), status: 410, cookies: cookies) }
        guard fits(stored, asked, member) else { return show(lostFormPage(asked, Catalogue.formForeignText, returnTo), status: 403, cookies: cookies) }
        return show(sendFormPage(asked, key: key, to: stored.origin + stored.target), cookies: cookies)
    }

    /// Whether it may go back: to the member who sent it, in the browser that sent it, at the origin that it was sent to.
    private func fits(_ stored: StoredForm, _ asked: Asked, _ member: Member) -> Bool {
        guard let browser = asked.cookie(CookieNames.attempt) else { return false }
        return stored.origin == asked.origin.text && stored.belongs(to: member)
            && constantTimeEqual(Array(fingerprint(browser).utf8), Array(stored.browser.utf8))
    }

    /// Where it is remembered that a form went out.
    private static func sentKey(_ key: String) -> Digest256 { Digest.sha256("menwei sent form " + key) }
}
