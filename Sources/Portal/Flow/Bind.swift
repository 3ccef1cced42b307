internal import Access
internal import Bytes
internal import Crypto
internal import HTTP
internal import Proxy
internal import WeCom

/// `/.menwei/bind`: asks a member who matches nothing in the account table for the one-time code that `menwei accounts code` printed.
extension Portal {
    /// Keeps the login while the person is asked, and sends the browser to the page.
    func askForCode(_ pending: PendingLogin, _ asked: Asked, cutsFragment: Bool) async throws(Trouble) -> OwnResponse {
        let id = try token()
        _ = try await Trouble.store { () async throws(StoreFailure) in
            try await store.put(
                .binding, PendingLogin.key(id: id), pending.encoded, expires: asked.now.advanced(by: PendingLogin.life), now: asked.now)
        }
        records.bindingFailed("asked-for-code", pending.member, asked)
        // A bare `#` keeps the browser from carrying WeCom's own fragment on; the person's is in what is kept.
        return redirect(302, ownAddress(options.authOrigin, "bind?id=\(id)") + (cutsFragment ? "#" : ""))
    }

    func bind(_ asked: Asked) async throws(Trouble) -> OwnResponse {
        switch asked.request.method {
        case "GET", "HEAD":
            guard let pending = try await pendingLogin(asked.query.one("id"), asked) else { return try await lost(asked) }
            return show(bindPage(asked, pending, id: asked.query.one("id") ?? ""))
        case "POST":
            guard BrowserMarks.isSameOrigin(asked.request.fields, asked.origin) else { return refuse(.foreignOrigin, asked) }
            let form = Query(bytes: asked.request.body[...])
            guard let id = form.one("id"), let pending = try await pendingLogin(id, asked), let accounts,
                  let connection = options.connection(pending.member.connection[...]), connection.corp == pending.member.corp
            else { return try await lost(asked) }
            guard codeBudget.allows(asked.request.client, now: asked.now) else { return show(bindPage(asked, pending, id: id, .busy), status: 429) }
            let login: PendingLogin
            do throws(LoginRefusal) { login = try await renewed(pending, connection, asked) } catch {
                // Each time costs a call to WeCom.
                codeBudget.spend(asked.request.client, now: asked.now)
                return refuse(error, pending, connection, asked)
            }
            if form.one("own") == "1", let name = login.ownName {
                return try await openOwn(name, accounts, login, id, connection, asked)
            }
            return try await redeem(form.one("code") ?? "", accounts, login, id, connection, asked)
        default:
            return refuse(.methodNotAllowed(allow: "GET, HEAD, POST"), asked)
        }
    }

    /// The login that waits, if it is this browser's.
    private func pendingLogin(_ id: String?, _ asked: Asked) async throws(Trouble) -> PendingLogin? {
        guard let id, CookieValue.isWellFormed(Array(id.utf8)[...]), let browser = asked.cookie(CookieNames.attempt) else { return nil }
        let bytes = try await Trouble.store { () async throws(StoreFailure) in
            try await store.peek(.binding, PendingLogin.key(id: id), now: asked.now)
        }
        guard let pending = pendingLogin(bytes), constantTimeEqual(Array(fingerprint(browser).utf8), Array(pending.browser.utf8)) else { return nil }
        return pending
    }

    func pendingLogin(_ bytes: [UInt8]?) -> PendingLogin? {
        bytes.flatMap { PendingLogin($0) { returnAddress($0, on: options.authOrigin, allowPath: false) } }
    }

    /// Nobody's login waits here (any more): who is in goes on, all others begin anew.
    private func lost(_ asked: Asked) async throws(Trouble) -> OwnResponse {
        redirect(303, try await authSession(asked) == nil ? ownAddress(asked.origin, "login") : asked.origin.text + "/")
    }

    private func redeem(
        _ typed: String, _ accounts: any AccountStore, _ pending: PendingLogin, _ id: String, _ connection: ConnectionOptions, _ asked: Asked
    ) async throws(Trouble) -> OwnResponse {
        let outcome = try await Trouble.store { () async throws(StoreFailure) in
            try await accounts.redeem(BindingCode(typed: typed), by: pending.member.person, now: asked.now)
        }
        switch outcome {
        case .bound(let account):
            return try await arrive(pending.member.known(as: account, connection), pending, id, asked)
        case .wrong(let left):
            codeBudget.spend(asked.request.client, now: asked.now)
            records.bindingFailed("wrong-code", pending.member, asked)
            return show(bindPage(asked, pending, id: id, left > 0 ? .wrong(left: left) : .spent), status: 403)
        case .spent:
            codeBudget.spend(asked.request.client, now: asked.now)
            records.bindingFailed("too-many-codes", pending.member, asked)
            return show(bindPage(asked, pending, id: id, .spent), status: 403)
        }
    }

    /// They have no account there yet: theirs is written into the table, so that they are not asked again.
    private func openOwn(
        _ name: String, _ accounts: any AccountStore, _ pending: PendingLogin, _ id: String, _ connection: ConnectionOptions, _ asked: Asked
    ) async throws(Trouble) -> OwnResponse {
        // What the page offered may not be on offer any more.
        if try await standing(of: pending.member, connection, asked) == .ask(ownName: name) {
            _ = try await Trouble.store { () async throws(StoreFailure) in
                try await accounts.openAccount(name, for: pending.member.person, now: asked.now)
            }
        }
        switch try await standing(of: pending.member, connection, asked) {
        case .account(let member): return try await arrive(member, pending, id, asked)
        // Somebody took the name meanwhile: what is left is a code.
        case .ask:
            codeBudget.spend(asked.request.client, now: asked.now)
            return show(bindPage(asked, pending, id: id), status: 403)
        case .refused(let failure): return failurePage(failure, asked, connection, pending.journey)
        }
    }

    /// The login goes on where the person wanted to go. Of several forms that are sent at once, one gets through.
    private func arrive(_ member: Member, _ pending: PendingLogin, _ id: String, _ asked: Asked) async throws(Trouble) -> OwnResponse {
        let taken = try await Trouble.store { () async throws(StoreFailure) in
            try await store.take(.binding, PendingLogin.key(id: id), now: asked.now)
        }
        guard taken != nil else { return try await lost(asked) }
        var response = try await arrive(
            member, amr: pending.amr, identified: pending.identified, checked: pending.checked, pending.journey, asked)
        // After a POST only this makes every browser ask with GET.
        if response.status == 302 { response.status = 303 }
        return response
    }
}
