internal import Access
internal import Bytes
internal import HTTP
internal import Proxy
internal import WeCom

/// Who one is, and the end of a session.
extension Portal {
    /// The auth origin's `/`.
    func whoAmI(_ asked: Asked) async throws(Trouble) -> OwnResponse {
        let parts = Parts(language: asked.language)
        guard let session = try await anySession(asked) else {
            return show(Page(
                language: asked.language, title: Catalogue.anonymousTitle, requestID: asked.requestID,
                content: .group([
                    parts.title(Catalogue.anonymousTitle), parts.lead(Catalogue.anonymousText),
                    parts.actions(parts.button(Catalogue.logIn, to: "/.menwei/login", main: true)),
                ])))
        }
        return show(Page(
            language: asked.language, title: Catalogue.homeTitle, requestID: asked.requestID,
            content: .group([
                person(session.member, asked.language),
                parts.facts([
                    (Catalogue.account, .text(session.member.account)),
                    (Catalogue.connection, .text(connectionName(session.member, asked.language))),
                    (Catalogue.since, parts.time(session.authTime)), (Catalogue.until, parts.time(session.expires)),
                ]),
                parts.actions(
                    asked.isAuth ? parts.button(Catalogue.sessionsTitle, to: "/.menwei/sessions") : .nothing, parts.button(Catalogue.logOut, to: "/.menwei/logout")),
            ])))
    }

    func logoutPage(_ asked: Asked, _ session: SessionRecord) -> Page {
        let parts = Parts(language: asked.language)
        let back = asked.isSite ? sitePath(asked.request) : "/"
        let form = h("form", [.init("method", "post"), .init("action", "/.menwei/logout?done=1" + returnParameter(asked))],
            h("button", [.class("button main"), .init("type", "submit")], .text(Catalogue.logOut(asked.language))))
        return Page(
            language: asked.language, title: Catalogue.logoutTitle, requestID: asked.requestID,
            content: .group([
                parts.title(Catalogue.logoutTitle), parts.lead(Catalogue.logoutText),
                parts.facts([(Catalogue.you, .text(identity(session.member)))]),
                parts.actions(form, parts.button(Catalogue.stay, to: back)),
            ]))
    }

    /// Offers the login, and never goes there by itself.
    func loggedOutPage(_ asked: Asked, ended: Bool) -> Page {
        let parts = Parts(language: asked.language)
        let fallback = asked.isSite ? sitePath(asked.request) : "/"
        let target = asked.query.one("return") ?? asked.origin.text + fallback
        let address = "/.menwei/login?return=" + Percent.encodeQueryValue(returnAddress(target, on: asked.origin, allowPath: asked.isSite).url)
        var buttons = [parts.button(ended ? Catalogue.logInAgain : Catalogue.logIn, to: address, main: true)]
        if !ended && !asked.isAuth { buttons.append(parts.button(Catalogue.everywhere, to: ownAddress(options.authOrigin, "logout"))) }
        let title = ended ? Catalogue.goneTitle : Catalogue.anonymousTitle
        return Page(
            language: asked.language, title: title, requestID: asked.requestID,
            content: .group([
                parts.title(title), parts.lead(ended ? Catalogue.goneText : Catalogue.noSessionText),
                .element("div", [.class("actions")], buttons),
            ]))
    }

    private func person(_ member: Member, _ language: Language) -> HTML {
        let name = member.name.isEmpty ? member.account : member.name
        return h("div", [.class("person")],
            h("div", [.class("seal"), .init("aria-hidden", "true")], .text(name.first.map { String($0).uppercased() } ?? "")),
            h("div", [], h("p", [.class("lead")], .text(Catalogue.homeTitle(language))), h("h1", [], .text(name))))
    }

    /// `张三 (zhangsan)`, or the account alone.
    func identity(_ member: Member) -> String {
        member.name.isEmpty ? member.account : "\(member.name) (\(member.account))"
    }

    private func connectionName(_ member: Member, _ language: Language) -> String {
        options.connection(member.connection[...])?.phrase(language) ?? member.connection
    }
}
