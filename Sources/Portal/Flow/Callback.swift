internal import Access
internal import Bytes
internal import Crypto
internal import HTTP
internal import Proxy
internal import WeCom

/// `/.menwei/callback/CONNECTION`: the way back from WeCom. Only a state of this browser and this connection leads to a session; whatever else
/// comes here logs nobody in.
extension Portal {
    func callback(_ asked: Asked, _ connection: ConnectionOptions) async throws(Trouble) -> OwnResponse {
        let states = asked.query.all("state"), codes = asked.query.all("code")
        guard states.count <= 1, codes.count <= 1 else { return refuse(.malformed(status: 400, code: "parameter-twice"), asked) }
        let value = states.first ?? "", code = codes.first ?? ""
        let known = try await state(value, asked)
        guard let state = known, state.isGood(at: asked.now), state.connection == connection.id, let browser = asked.cookie(CookieNames.attempt),
              constantTimeEqual(Array(fingerprint(browser).utf8), Array(state.browser.utf8)),
              try await takeState(value, state, asked)
        else {
            return try await stray(asked, connection, known: known, value: value)
        }
        // WeCom's in-app page and WeChat's have a fragment of their own, which redirects would carry on into our addresses.
        let cutsFragment = state.isInApp || connection.wecom == nil
        if let pending = try await takeConsent(value, connection, asked) {
            return try await afterConsent(pending, code: code, connection, asked, cutsFragment: cutsFragment)
        }
        let member: Member
        do throws(LoginRefusal) {
            guard codeBudget.allows(asked.request.client, now: asked.now) else { throw LoginRefusal(.busy) }
            member = try await identify(code, connection)
        } catch let refusal {
            if refusal.failure == .codeSpent { codeBudget.spend(asked.request.client, now: asked.now) }
            records.loginFailed(refusal, connection: connection.id, asked)
            return failurePage(refusal.failure, asked, connection, state.journey)
        }
        let standing = try await standing(of: member, connection, asked)
        if let app = connection.wecom, try await isConsentDue(member, standing, state, app, asked) {
            return try await askForDetails(member, standing, state, connection, app, asked)
        }
        let login = PendingLogin(member, amr: [connection.wecom == nil ? "wechat" : "wecom"], browser: state.browser, journey: state.journey, identified: asked.now)
        return try await conclude(standing, login, connection, asked, cutsFragment: cutsFragment)
    }

    /// What is remembered under a state; with `isSpent`, what remains of one that was taken.
    private func state(_ value: String, isSpent: Bool = false, _ asked: Asked) async throws(Trouble) -> LoginState? {
        guard StateValue.isWellFormed(value) else { return nil }
        let key = isSpent ? StateValue.spentKey(value) : Digest.sha256(value)
        let bytes = try await Trouble.store { () async throws(StoreFailure) in try await store.peek(.state, key, now: asked.now) }
        return bytes.flatMap { LoginState($0) { returnAddress($0, on: options.authOrigin, allowPath: false) } }
    }

    /// Of two callbacks with the same state one gets it. Its return address stays for whoever comes back to this callback from history.
    private func takeState(_ value: String, _ state: LoginState, _ asked: Asked) async throws(Trouble) -> Bool {
        var rest = state
        (rest.connection, rest.browser, rest.journey.bind) = ("", "", nil)
        return try await Trouble.store { () async throws(StoreFailure) in
            guard try await store.take(.state, Digest.sha256(value), now: asked.now) != nil else { return false }
            _ = try await store.put(
                .state, StateValue.spentKey(value), rest.encoded, expires: asked.now.advanced(by: LoginState.remembered), now: asked.now)
            return true
        }
    }

    /// A callback whose state is spent, unknown, another browser's or another connection's. The code is let go unused.
    private func stray(_ asked: Asked, _ connection: ConnectionOptions, known: LoginState?, value: String) async throws(Trouble) -> OwnResponse {
        var state = known
        if state == nil { state = try await self.state(value, isSpent: true, asked) }
        let cutsFragment = connection.wecom == nil || state?.isInApp ?? asked.client.isWeCom
        var again = state?.journey ?? Journey(returnTo: returnAddress("/", on: options.authOrigin, allowPath: false))
        if try await authSession(asked) != nil {
            return redirect(302, withFragment(destination(again), again, cutsFragment: cutsFragment))
        }
        again.attempt = max(again.attempt, StateValue.attempt(of: value))
        return beginAgain(asked, again, cutsFragment: cutsFragment)
    }

    /// Starts the login over, twice at the most; then a page says what is wrong.
    func beginAgain(_ asked: Asked, _ journey: Journey, cutsFragment: Bool = false) -> OwnResponse {
        var again = journey
        again.bind = nil
        guard again.attempt < Journey.lastAttempt else { return stuckPage(asked, again) }
        again.attempt += 1
        return redirect(302, withFragment(ownAddress(asked.origin, "login?" + again.query), again, cutsFragment: cutsFragment))
    }

    /// Asks WeCom who the code stands for, and the directory whether they may come in. Every doubt refuses.
    private func identify(_ code: String, _ connection: ConnectionOptions) async throws(LoginRefusal) -> Member {
        guard !code.isEmpty else { throw LoginRefusal(.declined) }
        guard code.utf8.count <= 512, code.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { throw LoginRefusal(.codeSpent) }
        guard let provider = providers[connection.id] else { throw LoginRefusal(.misconfigured) }
        let found = try await provider.logIn(code: code, visibleRangeOnly: connection.wecom?.visibleRangeOnly ?? true)
        return Member(found, user: found.user, connection: connection)
    }
}

extension Member {
    /// What the directory tells of a user, under the account that applications know.
    init(_ found: DirectoryMember, user: String, connection: ConnectionOptions) {
        self.init(connection: connection.id, corp: connection.corp, user: user, account: PortalOptions.account(user: user, connection: connection))
        name = found.name
        email = found.email
        mobile = found.mobile
        departments = found.departments
        tags = found.tags
    }
}
