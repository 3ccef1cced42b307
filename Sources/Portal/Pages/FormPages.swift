internal import Access
internal import HTTP
internal import Proxy

/// The pages about forms that were kept for a login.
extension Portal {
    /// Sends the form's key to the address of the form, by itself: the browser shows the application's answer as if it had sent the form just now.
    func sendFormPage(_ asked: Asked, key: String, to address: String) -> Page {
        let parts = Parts(language: asked.language)
        var page = Page(
            language: asked.language, title: Catalogue.sendTitle, requestID: asked.requestID,
            content: h("div", [.class("hop")],
                .void("img", [.init("src", assets.mark.path), .init("alt", ""), .init("width", "48"), .init("height", "48")]),
                parts.lead(Catalogue.sendTitle),
                h("form", [.init("method", "post"), .init("action", address), .init("data-send")],
                    .void("input", [.init("type", "hidden"), .init("name", KeptForm.field), .init("value", key)]),
                    h("button", [.class("button main")], .text(Catalogue.sendButton(asked.language))))))
        page.isBare = true
        page.framableBy = asked.isFramed ? options.framers : []
        // Browsers hold a form to its page's policy for as long as redirects lead on, and the application may lead anywhere.
        page.formsLead = "*"
        return page
    }

    /// What was filled in cannot be sent any more, and the person is told before going on.
    func lostFormPage(_ asked: Asked, _ why: Phrase, _ returnTo: ReturnAddress) -> Page {
        let parts = Parts(language: asked.language)
        return Page(
            language: asked.language, title: Catalogue.notSentTitle, requestID: asked.requestID,
            content: .group([
                parts.kind(Catalogue.kindNotSent, .warning), parts.title(Catalogue.notSentTitle), parts.paragraph(why),
                parts.actions(parts.button(Catalogue.goOn, to: returnTo.url, main: true)),
            ]),
            framableBy: asked.isFramed ? options.framers : [])
    }

    /// On the login page: nothing is lost.
    func formKeptNote(_ language: Language) -> HTML {
        let parts = Parts(language: language)
        return h("section", [.class("note")], h("h2", [], .text(Catalogue.formKeptTitle(language))), parts.paragraph(Catalogue.formKeptText))
    }
}
