internal import Access
internal import Bytes
internal import HTTP
internal import Proxy

/// `/.menwei/sessions`: one's own sessions, and their end.
extension Portal {
    func sessions(_ asked: Asked) async throws(Trouble) -> OwnResponse {
        switch asked.request.method {
        case "GET", "HEAD":
            guard let session = try await authSession(asked) else { return loginForSessions(asked) }
            return sessionsPage(asked, current: session, try await ownSessions(session, asked))
        case "POST":
            guard BrowserMarks.isSameOrigin(asked.request.fields, asked.origin) else { return refuse(.foreignOrigin, asked) }
            guard let session = try await authSession(asked) else { return refuse(.loginRequired, asked) }
            return try await endOwnSessions(session, asked)
        default:
            return refuse(.methodNotAllowed(allow: "GET, HEAD, POST"), asked)
        }
    }

    /// Those of the same account, whichever connection vouched for it.
    private func ownSessions(_ session: SessionRecord, _ asked: Asked) async throws(Trouble) -> [SessionRecord] {
        try await Trouble.store { () async throws(StoreFailure) in try await store.list(account: session.member.accountKey, now: asked.now) }
    }

    private func loginForSessions(_ asked: Asked) -> OwnResponse {
        guard asked.audience == .navigation else { return refuse(.loginRequired, asked) }
        let journey = Journey(
            returnTo: returnAddress("/", on: options.authOrigin, allowPath: false), attempt: Journey.attempt(asked.query.one("try")), own: .sessions)
        guard journey.attempt < Journey.lastAttempt else { return stuckPage(asked, journey) }
        return redirect(302, ownAddress(options.authOrigin, "login?" + journey.query))
    }

    /// `end`: a sid of one's own, `others`, or `all`. What is neither, or over already, changes nothing.
    private func endOwnSessions(_ session: SessionRecord, _ asked: Asked) async throws(Trouble) -> OwnResponse {
        let which = Query(bytes: asked.request.body[...]).one("end")
        let selected = try await ownSessions(session, asked).filter { which == "all" || which == $0.sid || which == "others" && $0.sid != session.sid }
        for other in selected {
            let ended = try await Trouble.store { () async throws(StoreFailure) in try await store.end(.sid(other.sid), now: asked.now) }
            if !ended.isEmpty { records.revoked(other, asked) }
        }
        guard selected.contains(where: { $0.sid == session.sid }) else { return redirect(303, ownAddress(options.authOrigin, "sessions")) }
        return redirect(303, ownAddress(options.authOrigin, "logout?done=1"), cookies: expiredCookies(asked))
    }
}
