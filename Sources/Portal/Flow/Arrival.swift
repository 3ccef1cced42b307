internal import Access
internal import Bytes
internal import Crypto
internal import Proxy

/// The end of every way in, whoever said who the person is.
extension Portal {
    /// Opens a session for `member` in the browser that asked, records the login, and goes on to where the person wanted to go. Who comes here was
    /// identified, and may come in; that is not asked again.
    /// - Parameters:
    ///   - amr: how they proved who they are (`SessionRecord.amr`).
    ///   - identified: when they proved it, where that was before.
    ///   - checked: when the directory vouched for them, where that was before.
    ///   - cutsFragment: the browser brings a fragment of somebody else's (`withFragment`).
    func arrive(_ member: Member, amr: [String], identified: WallTime? = nil, checked: WallTime? = nil, _ journey: Journey, _ asked: Asked,
                cutsFragment: Bool = false) async throws(Trouble) -> OwnResponse {
        let (session, cookie) = try await openSession(member, amr: amr, identified: identified, checked: checked, asked)
        records.login(session, asked)
        return try await goOn(session, journey, asked, cookies: [cookie], cutsFragment: cutsFragment)
    }

    /// Whoever changes the account table ends the sessions that he finds (`AccountWatch`). This one may have been opened just then, under the account
    /// of before: now that it is there to be found, the table is asked once more.
    private func confirm(_ session: SessionRecord, _ asked: Asked) async throws(Trouble) {
        guard let accounts, let connection = options.connection(session.member.connection[...]) else { return }
        let isCut = try await Trouble.store { () async throws(StoreFailure) in
            guard case .cut = try await accounts.tie(of: session.member, connection) else { return false }
            try await store.end(.sid(session.sid), now: asked.now)
            return true
        }
        if isCut { throw .accountChanged }
    }

    /// The session, and the cookie to set.
    func openSession(_ member: Member, amr: [String], identified: WallTime? = nil, checked: WallTime? = nil, _ asked: Asked) async throws(Trouble)
        -> (session: SessionRecord, cookie: String)
    {
        let cookie = try token()
        let login = Login(
            member: member, authTime: identified ?? asked.now, amr: amr, address: asked.request.client, userAgent: String(asked.agent.prefix(512)),
            cookie: Digest.sha256(cookie), previous: asked.cookie(CookieNames.auth).map { Digest.sha256($0) },
            checked: checked)
        let session = try await Trouble.store { () async throws(StoreFailure) in try await store.open(login, now: asked.now) }
        try await confirm(session, asked)
        return (session, sessionCookie(CookieNames.auth, cookie))
    }
}
