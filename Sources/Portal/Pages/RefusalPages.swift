internal import Access
internal import HTTP
internal import Proxy

/// A refusal as people see it.
extension Portal {
    func page(_ refusal: Refusal, _ summary: RefusalSummary, _ request: OwnRequest) -> OwnResponse {
        let language = Language(acceptLanguage: request.fields.text(.acceptLanguage))
        let parts = Parts(language: language)
        var content: [HTML] = [
            parts.kind(summary.word + Phrase(" · \(summary.status)", " · \(summary.status)"), summary.tone), parts.title(summary.headline), parts.paragraph(summary.text),
        ]
        if case .denied(let pattern, _, let reason) = refusal {
            let rule = pattern == "*" ? Catalogue.anyPath(language) : pattern
            content.append(parts.facts([
                (Catalogue.you, .text(request.session.map { identity($0.member) } ?? "")),
                (Catalogue.rule, .text([request.site ?? "", rule].filter { !$0.isEmpty }.joined(separator: " · "))),
                (Catalogue.reason, .text(DenyReason(rawValue: reason).map { Catalogue.why($0)(language) } ?? reason)),
            ]))
        }
        if let advice = summary.advice { content += [parts.heading(Catalogue.whatToDo), parts.paragraph(advice)] }
        switch refusal {
        case .denied:
            content.append(parts.actions(
                parts.button(Catalogue.goBack, to: sitePath(request), main: true), parts.button(Catalogue.logOut, to: "/.menwei/logout")))
        case .formTooLarge:
            if let origin = request.origin { content.append(parts.actions(logInNewTab(parts, loginURL(request, origin)))) }
        case .noSuchOwnPath, .noSuchSite, .methodNotAllowed, .formGone:
            if request.origin != nil { content.append(parts.actions(parts.button(Catalogue.goBack, to: sitePath(request), main: true))) }
        default:
            if summary.mayRetry, request.method == "GET" || request.method == "HEAD" { content.append(parts.actions(parts.reload())) }
        }
        var page = Page(language: language, title: summary.headline, requestID: request.requestID, content: .group(content))
        // On a host that is none of ours nothing of ours is served.
        page.isAlone = request.origin == nil
        return show(page, status: summary.status)
    }

    /// A form that came without a session and is not kept: what was typed did not arrive.
    /// - Parameter form: one that is kept still, and goes out after the login that the page leads to.
    func notSent(_ asked: Asked, form: String? = nil) -> OwnResponse {
        let summary = RefusalSummary(.loginRequired)
        let parts = Parts(language: asked.language)
        let login = loginURL(asked.request, asked.origin)
        let button = form.map { parts.button(Catalogue.logIn, to: login + "&form=" + $0, main: true) } ?? logInNewTab(parts, login)
        let page = Page(
            language: asked.language, title: summary.headline, requestID: asked.requestID,
            content: .group([
                parts.kind(summary.word, .warning), parts.title(summary.headline), parts.paragraph(summary.text),
                parts.heading(Catalogue.whatToDo), parts.paragraph(form == nil ? Catalogue.notSentDo : Catalogue.stillKeptDo), parts.actions(button),
            ]))
        return show(page, status: 401)
    }

    private func logInNewTab(_ parts: Parts, _ login: String) -> HTML {
        parts.button(Catalogue.logInNewTab, to: login, main: true, [.init("target", "_blank"), .init("rel", "noopener")])
    }
}
