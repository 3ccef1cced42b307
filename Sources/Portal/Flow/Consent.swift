internal import Access
internal import Bytes
internal import Crypto
internal import HTTP
internal import Proxy
internal import WeCom

/// `scope: snsapi_privateinfo`: after the silent login inside WeCom, a member of whom neither directory nor account table knows mail or number is asked
/// for them once, on WeCom's own page. Whatever comes of it, nobody loses their login by it.
extension Portal {
    /// After whoever was asked said no, or WeCom gave nothing: 30 days. While the answer is out, a day, so that nobody is asked twice over a page that
    /// they closed.
    private static let pauseAfterNo = Duration.seconds(30 * 86400), pauseWhileAsked = Duration.seconds(86400)

    /// Whether the person is to be asked before the login goes on.
    func isConsentDue(_ member: Member, _ standing: AccountStanding, _ state: LoginState, _ app: WeComApp, _ asked: Asked) async throws(Trouble) -> Bool {
        guard app.scope == .privateInfo, state.isInApp, let accounts else { return false }
        switch standing {
        case .account(let known):
            guard known.email.isEmpty, known.mobile.isEmpty else { return false }
            return try await Trouble.store { () async throws(StoreFailure) in try await accounts.askedUntil(member.person, now: asked.now) } == nil
        // They are not in: asking is what may help, each time.
        case .ask, .refused(.unknownAccount), .refused(.accountTaken):
            return member.email.isEmpty && member.mobile.isEmpty && !options.accounts.match.isDisjoint(with: [.email, .mobile])
        case .refused: return false
        }
    }

    /// Sends the browser to WeCom's page with the question. Who has an account is logged in before.
    func askForDetails(
        _ member: Member, _ standing: AccountStanding, _ state: LoginState, _ connection: ConnectionOptions, _ app: WeComApp, _ asked: Asked
    ) async throws(Trouble) -> OwnResponse {
        var cookies: [String] = []
        var pending = PendingLogin(member, amr: ["wecom"], browser: state.browser, journey: state.journey, identified: asked.now)
        if case .account(let known) = standing {
            let (session, cookie) = try await openSession(known, amr: ["wecom"], asked)
            cookies.append(cookie)
            records.login(session, asked)
            try await noteAsked(member.person, Self.pauseWhileAsked, asked)
            pending.hadSession = true
        }
        let value = try await newState(state, asked)
        _ = try await Trouble.store { () async throws(StoreFailure) in
            try await store.put(
                .binding, PendingLogin.key(state: value), pending.encoded, expires: asked.now.advanced(by: PendingLogin.life), now: asked.now)
        }
        let address = AuthorizeURL(
            app, redirectURI: ownAddress(options.authOrigin, "callback/" + connection.id), state: value, scope: .privateInfo)
        return redirect(302, address.text, cookies: cookies)
    }

    /// The login that waits for this state's answer; nil: nobody was asked anything under it.
    func takeConsent(_ value: String, _ connection: ConnectionOptions, _ asked: Asked) async throws(Trouble) -> PendingLogin? {
        guard connection.wecom?.scope == .privateInfo else { return nil }
        let bytes = try await Trouble.store { () async throws(StoreFailure) in
            try await store.take(.binding, PendingLogin.key(state: value), now: asked.now)
        }
        return pendingLogin(bytes)
    }

    /// The way back from the question. Without a code the person said no; an answer that fails, or is somebody else's, counts as none.
    func afterConsent(_ asking: PendingLogin, code: String, _ connection: ConnectionOptions, _ asked: Asked, cutsFragment: Bool) async throws(Trouble) -> OwnResponse {
        var login = asking
        if !asking.hadSession {
            do throws(LoginRefusal) { login = try await renewed(asking, connection, asked) } catch { return refuse(error, asking, connection, asked) }
        }
        var member = login.member
        let answer = await consent(code, member, connection, asked)
        switch answer {
        case .agreed(let details): (member.email, member.mobile) = (details.email, details.mobile)
        case .no: try await noteAsked(member.person, Self.pauseAfterNo, asked)
        case .trouble: break
        }
        var standing = try await standing(of: member, connection, asked)
        if case .agreed(let details) = answer, let accounts, case .account(let known) = standing {
            try await keep(details, of: known, accounts, asked)
            standing = try await self.standing(of: login.member, connection, asked)
        }
        guard login.hadSession else { return try await conclude(standing, login, connection, asked, cutsFragment: cutsFragment) }
        // Whose session ended meanwhile, by whatever cause, logs in like anybody else: the question is no second key.
        guard case .account(let known) = standing, let session = try await authSession(asked), session.member.isSamePerson(as: known) else {
            return beginAgain(asked, login.journey, cutsFragment: cutsFragment)
        }
        if known != session.member {
            // As old as it is: what a look-up found since goes before it, and brings what was agreed itself.
            try await Trouble.store { () async throws(StoreFailure) in try await store.update(known, checked: login.checked) }
        }
        return try await goOn(session, login.journey, asked, cutsFragment: cutsFragment)
    }

    private enum Consent {
        case agreed(AccountDetails)
        case no
        /// Nobody knows what the person said: they may be asked again sooner.
        case trouble
    }

    private func consent(_ code: String, _ member: Member, _ connection: ConnectionOptions, _ asked: Asked) async -> Consent {
        guard (1...512).contains(code.utf8.count), code.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), let provider = providers[connection.id] else { return .no }
        do throws(WeComError) {
            guard let found = try await provider.agreed(code: code), found.user.lowercased() == member.user.lowercased() else { return .no }
            let details = AccountDetails(email: found.email, mobile: found.mobile)
            return details.isEmpty ? .no : .agreed(details)
        } catch {
            if error.errcode == ErrorCode.badCode { codeBudget.spend(asked.request.client, now: asked.now) }
            return .trouble
        }
    }

    /// Who has no row in the table, since they need none, gets one.
    private func keep(_ agreed: AccountDetails, of member: Member, _ accounts: any AccountStore, _ asked: Asked) async throws(Trouble) {
        try await Trouble.store { () async throws(StoreFailure) in
            if !member.isInTable { _ = try await accounts.openAccount(member.account, for: member.person, now: asked.now) }
            _ = try await accounts.keep(agreed: agreed, of: member.person)
        }
    }

    private func noteAsked(_ person: Person, _ pause: Duration, _ asked: Asked) async throws(Trouble) {
        guard let accounts else { return }
        try await Trouble.store { () async throws(StoreFailure) in
            try await accounts.noteAsked(person, until: asked.now.advanced(by: pause))
        }
    }
}
