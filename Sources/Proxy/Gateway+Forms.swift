import Access
import EventLoop
import HTTP

/// Forms that come when the session is over: kept, and put back into the request with which the browser asks for them after the login. All of it lies beside
/// the way of ordinary requests, which is asked for one number of a POST.
extension Gateway {
    /// There is no session, or it is not enough.
    func askForLogin(_ exchange: Exchange, at site: Site) {
        guard exchange.givenBack == nil, Audience.isFormPost(exchange.head), BrowserMarks.isOwnForm(exchange.head.fields, of: site.options.origin) else {
            return refuse(exchange, .loginRequired)
        }
        let request = describe(exchange, body: [])
        withForms(exchange) { [portal] () throws(StoreFailure) in try await portal.owner(of: request) } then: { [self] owner in
            if let owner { keepForm(exchange, of: owner, limit: Self.formLimit(site)) } else { refuse(exchange, .loginRequired) }
        }
    }

    /// More than the site takes at all would be kept for nothing.
    private static func formLimit(_ site: Site) -> Int {
        let limit = site.options.requestBodyLimit
        return limit > 0 ? Int(min(limit, UInt64(KeptForm.limit))) : KeptForm.limit
    }

    private func keepForm(_ exchange: Exchange, of owner: FormOwner, limit: Int) {
        var size = limit
        if case .exactly(let count) = exchange.head.body, count < limit { size = Int(count) }
        guard let room = formRoom.share(size, for: owner.sid) else { return refuse(exchange, .loginRequired) }
        exchange.formRoom = room
        exchange.formLimit = limit
        let patience = patience(with: exchange)
        exchange.collectBody(limit: limit) { [self] body in
            loop.cancel(patience)
            let request = describe(exchange, body: body)
            withForms(exchange) { [portal] () throws(StoreFailure) in try await portal.keep(request, of: owner) } then: { exchange.answer($0) }
        }
    }

    /// Whoever sends a body drop by drop must not hold room for ever. To be cancelled when it is there.
    func patience(with exchange: Exchange) -> LoopTimer {
        let patience = LoopTimer { [self, weak exchange] in
            guard let exchange, !exchange.isOver, !exchange.answerBegun else { return }
            exchange.closesConnection = true
            refuse(exchange, .malformed(status: 408, code: "body-timeout"))
        }
        loop.schedule(patience, after: exchange.server.nanoseconds.keptForm)
        return patience
    }

    /// Whether the request may ask for a form that was kept. This is all that ordinary requests meet.
    func mayAskForForm(_ exchange: Exchange) -> Bool {
        exchange.head.method == .post && exchange.head.body == .exactly(KeptForm.markLength) && exchange.givenBack == nil && exchange.session != nil
    }

    /// Looks into a body of just that size: a form that was kept takes its place, or it goes on as it came.
    func giveBackForm(_ exchange: Exchange, to site: Site, rule: Int) {
        exchange.collectBody(limit: Int(KeptForm.markLength)) { [self] body in
            guard let key = KeptForm.key(in: body) else {
                exchange.givenBack = body
                return judgeAnew(exchange, at: site, rule: rule)
            }
            guard BrowserMarks.isOwnForm(exchange.head.fields, of: site.options.origin) else { return refuse(exchange, .formGone) }
            guard let room = formRoom.share(KeptForm.limit, for: exchange.session?.record.sid ?? "") else { return refuse(exchange, .storeDown) }
            exchange.formRoom = room
            let request = describe(exchange, body: [])
            withForms(exchange) { [portal] () throws(StoreFailure) in try await portal.takeBack(key, for: request) } then: { [self] form in
                guard let form else { return refuse(exchange, .formGone) }
                exchange.replaceBody(by: form)
                exchange.formKey = key
                judgeAnew(exchange, at: site, rule: rule)
            }
        }
    }

    /// While the body was awaited the session may have ended and the rules may have changed: nothing that was known before it came counts.
    private func judgeAnew(_ exchange: Exchange, at site: Site, rule: Int) {
        withSession(exchange) { [self] session in
            if exchange.server.handler !== self { return exchange.beginAnew() }
            decide(exchange, site, rule: rule, session)
        }
    }

    /// The application cannot be reached. A form that it was to get is not lost by that.
    func refuseAsUnreachable(_ exchange: Exchange) {
        guard let key = exchange.formKey, let body = exchange.givenBack else { return refuse(exchange, .upstreamUnreachable) }
        let request = describe(exchange, body: body)
        withForms(exchange) { [portal] () throws(StoreFailure) in await portal.putBack(key, request) } then: { [self] in
            refuse(exchange, .upstreamUnreachable)
        }
    }

    /// Asks the keeper of forms, and goes on where there is still somebody to answer.
    private func withForms<Value>(
        _ exchange: Exchange, _ ask: @escaping () async throws(StoreFailure) -> Value, then: @escaping (Value) -> Void
    ) {
        let limit = LoopTimer { [self] in if !exchange.isOver { refuse(exchange, .storeDown) } }
        loop.schedule(limit, after: exchange.server.nanoseconds.ownAnswer)
        loop.spawn { [self] in
            do throws(StoreFailure) {
                let value = try await ask()
                loop.cancel(limit)
                if !exchange.isOver, !exchange.answerBegun { then(value) }
            } catch {
                loop.cancel(limit)
                if !exchange.isOver { refuse(exchange, .storeDown) }
            }
        }
    }
}

extension Exchange {
    /// The form that was kept stands where the request with which the browser asked for it was.
    func replaceBody(by form: KeptForm) {
        head.fields.replace(.contentType, "Content-Type", by: form.contentType)
        // Not the page of ours that sent it.
        head.fields.replace(.referer, "Referer", by: form.referer)
        head.body = form.body.isEmpty ? .none : .exactly(UInt64(form.body.count))
        givenBack = form.body
    }
}
