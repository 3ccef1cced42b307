internal import Access
internal import Proxy
internal import WeCom

/// The page that asks for a binding code.
extension Portal {
    /// What became of the last code.
    enum BindNews: Equatable {
        case none
        case wrong(left: Int)
        /// Too many wrong ones.
        case spent
        /// Too many from this address.
        case busy
    }

    func bindPage(_ asked: Asked, _ pending: PendingLogin, id: String, _ news: BindNews = .none) -> Page {
        let parts = Parts(language: asked.language)
        var content: [HTML] = [parts.kind(Catalogue.kindLogin, news == .none ? .calm : .warning), parts.title(Catalogue.bindTitle)]
        switch news {
        case .none: content.append(parts.lead(Catalogue.bindText))
        case .wrong(let left): content.append(h("p", [.init("role", "alert"), .class("alert")], .text(Catalogue.bindWrong(left)(asked.language))))
        case .spent: content.append(h("p", [.init("role", "alert"), .class("alert")], .text(Catalogue.bindSpent(asked.language))))
        case .busy: content.append(h("p", [.init("role", "alert"), .class("alert")], .text(Catalogue.bindBusy(asked.language))))
        }
        let name = options.connection(pending.member.connection[...])?.phrase
        content.append(parts.facts([
            (Catalogue.connection, .text(name?(asked.language) ?? pending.member.connection)),
            // With the id that the administrator needs.
            (Catalogue.you, .text((pending.member.name.isEmpty ? "" : pending.member.name + " · ") + pending.member.connection + "/" + pending.member.user)),
        ]))
        if news != .spent && news != .busy { content.append(codeForm(id, parts)) }
        if let own = pending.ownName { content.append(ownForm(own, id, parts)) }
        content += [parts.heading(Catalogue.whatToDo), parts.paragraph(Catalogue.bindDo)]
        // For this person it ends here.
        if news == .spent || news == .busy { content.append(everyWay(asked, pending.journey)) }
        var page = Page(language: asked.language, title: Catalogue.bindTitle, requestID: asked.requestID, content: .group(content))
        // The answer to a good code leads on to the site, and wherever that leads.
        page.formsLead = "*"
        return page
    }

    private func codeForm(_ id: String, _ parts: Parts) -> HTML {
        h("form", [.init("method", "post"), .init("action", "/.menwei/bind"), .class("field")],
            hidden("id", id),
            h("label", [.init("for", "code")], .text(Catalogue.bindCode(parts.language))),
            .void("input", [
                .id("code"), .init("name", "code"), .init("type", "text"), .init("required"), .init("autofocus"), .init("maxlength", "24"),
                .init("autocomplete", "one-time-code"), .init("autocapitalize", "characters"), .init("autocorrect", "off"), .init("spellcheck", "false"),
                .class("mono"),
            ]),
            h("button", [.class("button main"), .init("type", "submit")], .text(Catalogue.bindButton(parts.language))))
    }

    private func ownForm(_ name: String, _ id: String, _ parts: Parts) -> HTML {
        .group([
            h("p", [.class("or")], .text(Catalogue.or(parts.language))),
            h("form", [.init("method", "post"), .init("action", "/.menwei/bind"), .class("actions")],
                hidden("id", id), hidden("own", "1"),
                h("button", [.class("button"), .init("type", "submit")], .text(Catalogue.bindOwn(name)(parts.language)))),
        ])
    }

    private func hidden(_ name: String, _ value: String) -> HTML {
        .void("input", [.init("type", "hidden"), .init("name", name), .init("value", value)])
    }
}
