internal import Access
internal import Bytes
internal import HTTP
internal import Proxy

/// `/.menwei/logout`: asks, and ends the session at all origins.
extension Portal {
    func logout(_ asked: Asked) async throws(Trouble) -> OwnResponse {
        switch asked.request.method {
        case "GET", "HEAD":
            let session = try await anySession(asked)
            return show(session.map { logoutPage(asked, $0) } ?? loggedOutPage(asked, ended: asked.query.one("done") == "1"))
        case "POST":
            guard BrowserMarks.isSameOrigin(asked.request.fields, asked.origin) else { return refuse(.foreignOrigin, asked) }
            try await endSessions(asked)
            return redirect(303, ownAddress(asked.origin, "logout?done=1" + returnParameter(asked)), cookies: expiredCookies(asked))
        default:
            return refuse(.methodNotAllowed(allow: "GET, HEAD, POST"), asked)
        }
    }

    /// `&return=…` where one was given that leads to one of our origins.
    func returnParameter(_ asked: Asked) -> String {
        guard asked.query.one("return") != nil else { return "" }
        return "&return=" + Percent.encodeQueryValue(returnAddress(asked).url)
    }

    private func endSessions(_ asked: Asked) async throws(Trouble) {
        var sessions: [SessionRecord] = []
        if let session = asked.request.session { sessions.append(session) }
        if let session = try await authSession(asked), !sessions.contains(where: { $0.sid == session.sid }) { sessions.append(session) }
        for session in sessions {
            try await Trouble.store { () async throws(StoreFailure) in
                _ = try await store.end(.sid(session.sid), now: asked.now)
            }
            records.logout(session, asked)
        }
    }

    func expiredCookies(_ asked: Asked) -> [String] {
        var names: [StaticString] = []
        if asked.isSite { names.append(CookieNames.session) }
        if asked.isAuth { names.append(CookieNames.auth) }
        return names.map { SetCookie.removal(of: $0) }
    }
}
