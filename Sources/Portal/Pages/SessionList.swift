internal import Access
internal import Bytes
internal import Proxy

/// The page of one's own sessions.
extension Portal {
    /// Sessions on one page; who has more sees those that were used last.
    private static let shown = 50

    func sessionsPage(_ asked: Asked, current: SessionRecord, _ sessions: [SessionRecord]) -> OwnResponse {
        let language = asked.language, parts = Parts(language: language)
        let others = sessions.filter { $0.sid != current.sid }.sorted { $0.lastSeen > $1.lastSeen }
        var items = [item(current, isCurrent: true, parts)]
        items += others.prefix(Self.shown).map { item($0, isCurrent: false, parts) }
        var actions: [HTML] = []
        if !others.isEmpty { actions.append(form("others", Catalogue.endOthers, language, main: true)) }
        actions.append(form("all", Catalogue.endAll, language))
        actions.append(parts.button(Catalogue.goBack, to: "/"))
        return show(Page(
            language: language, title: Catalogue.sessionsTitle, requestID: asked.requestID,
            content: .group([
                parts.title(Catalogue.sessionsTitle), parts.lead(Catalogue.sessionsLead(identity(current.member))),
                .element("ul", [.class("sessions")], items),
                others.count > Self.shown ? parts.lead(Catalogue.moreSessions(others.count - Self.shown)) : .nothing,
                .element("div", [.class("actions")], actions),
            ])))
    }

    private func item(_ session: SessionRecord, isCurrent: Bool, _ parts: Parts) -> HTML {
        let language = parts.language
        let place = session.hosts.isEmpty ? HTML.nothing : h("p", [], .text(session.hosts.joined(separator: " · ")))
        return h("li", [],
            h("div", [],
                h("h2", [], .text(BrowserName(session.userAgent).phrase(language))),
                isCurrent ? parts.kind(Catalogue.thisBrowser, .calm) : .nothing,
                session.amr.contains("scan") ? parts.kind(Catalogue.byScan, .calm) : .nothing,
                h("p", [], .text(session.address), " · ", .text(Catalogue.since(language)), " ", parts.time(session.created)),
                h("p", [], .text(Catalogue.lastSeen(language)), " ", parts.time(session.lastSeen)), place),
            form(session.sid, isCurrent ? Catalogue.logOut : Catalogue.endSession, language))
    }

    private func form(_ value: String, _ text: Phrase, _ language: Language, main: Bool = false) -> HTML {
        h("form", [.init("method", "post"), .init("action", "/.menwei/sessions")],
            h("button", [.class(main ? "button main" : "button"), .init("type", "submit"), .init("name", "end"), .init("value", value)], .text(text(language))))
    }
}
