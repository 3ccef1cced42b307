internal import Access
internal import Bytes
internal import Crypto
internal import HTTP
internal import Proxy

/// `/.menwei/finish`: a ticket for the host's own session cookie.
extension Portal {
    func finish(_ asked: Asked) async throws(Trouble) -> OwnResponse {
        if let response = try await redeem(asked) { return response }
        // It logs nobody in. The address to go to is what the ticket's bearer says, checked like any other.
        let journey = Journey(asked.query, returnTo: localReturn(asked.query.one("return") ?? "/", asked))
        if let session = asked.request.session { return try await end(asked, session.member, at: journey.returnTo) }
        return beginAgain(asked, journey)
    }

    /// Nil where the ticket does not fit: unknown, spent or too old, for another host, return address or browser, or its session is over.
    private func redeem(_ asked: Asked) async throws(Trouble) -> OwnResponse? {
        guard let value = asked.query.one("ticket"), let key = CookieValue.digest(value) else { return nil }
        let bytes = try await Trouble.store { () async throws(StoreFailure) in
            try await store.take(.ticket, key, now: asked.now)
        }
        guard let ticket = bytes.flatMap({ Ticket($0) }), ticket.origin == asked.origin.text,
              asked.query.all("return").allSatisfy({ $0 == ticket.returnTo }),
              let browser = asked.cookie(CookieNames.attempt),
              constantTimeEqual(Array(fingerprint(browser).utf8), Array(ticket.bind.utf8))
        else { return nil }
        let cookie = try token()
        let session = try await Trouble.store { () async throws(StoreFailure) in
            try await store.enter(
                ticket.sid, host: asked.origin.host, cookie: Digest.sha256(cookie),
                previous: asked.cookie(CookieNames.session).map { Digest.sha256($0) }, now: asked.now)
        }
        guard let session else { return nil }
        return try await end(
            asked, session.member, at: localReturn(ticket.returnTo, asked), cookies: [sessionCookie(CookieNames.session, cookie)])
    }

    /// A return address on the origin that was asked.
    private func localReturn(_ text: String, _ asked: Asked) -> ReturnAddress {
        let address = returnAddress(text, on: asked.origin, allowPath: true)
        return address.origin == asked.origin ? address : returnAddress("/", on: asked.origin, allowPath: true)
    }
}
