internal import Access
internal import Bytes
internal import HTTP
internal import Proxy

/// What the phone shows of a login by our own QR code.
extension Portal {
    /// Who asks, and the numbers.
    func numbersPage(_ asked: Asked, _ code: ScanCode, _ scan: Scan, _ session: SessionRecord) -> OwnResponse {
        let language = asked.language, parts = Parts(language: language)
        let place = scan.journey.returnTo.origin
        func choice(_ value: String, _ label: String, _ style: String) -> HTML {
            h("button", [.class(style), .init("type", "submit"), .init("name", "number"), .init("value", value)], .text(label))
        }
        return show(Page(
            language: language, title: Catalogue.approveTitle, requestID: asked.requestID,
            content: .group([
                parts.title(Catalogue.approveTitle), parts.lead(Catalogue.approveLead),
                parts.facts([
                    (Catalogue.scanBrowser, .text(BrowserName(scan.agent).phrase(language))), (Catalogue.scanAddress, .text(scan.address)),
                    (Catalogue.scanTime, parts.time(scan.asked)), (Catalogue.scanPlace, .text(options.isSite(place) ? place.authority : "")),
                    (Catalogue.you, .text(identity(session.member))),
                ]),
                h("form", [.class("numbers"), .init("method", "post"), .init("action", "/.menwei/scan/" + code.text)],
                    h("h2", [], .text(Catalogue.approveQuestion(language))),
                    .element("div", [.class("choices")], scan.numbers.offered.map { choice(String($0), String($0), "button") }),
                    h("p", [.class("warning")], .text(Catalogue.approveWarning(language))),
                    choice("none", Catalogue.approveNotMe(language), "button")),
            ])))
    }

    func approvedPage(_ asked: Asked, _ scan: Scan) -> OwnResponse {
        result(asked, Catalogue.kindDone, .calm, Catalogue.approvedTitle, Catalogue.approvedText, status: 200)
    }

    func refusedByPhonePage(_ asked: Asked) -> OwnResponse {
        result(asked, Catalogue.kindRefused, .stop, Catalogue.refusedTitle, Catalogue.refusedText, status: 403)
    }

    /// Why nobody can answer a code.
    enum ScanEnd {
        /// There is no such code, or it was forgotten: the same, so that guessing tells nothing.
        case unknown
        case expired, answered
    }

    func scanOverPage(_ asked: Asked, _ end: ScanEnd) -> OwnResponse {
        switch end {
        case .unknown: result(asked, Catalogue.kindNotFound, .warning, Catalogue.codeOverTitle, Catalogue.codeOverText, status: 404)
        case .expired: result(asked, Catalogue.kindLogin, .warning, Catalogue.codeOverTitle, Catalogue.codeOverText, status: 410)
        case .answered: result(asked, Catalogue.kindLogin, .warning, Catalogue.codeAnsweredTitle, Catalogue.codeAnsweredText, status: 409)
        }
    }

    /// Outside of WeCom: there the person is known at once.
    func openScanInWeComPage(_ asked: Asked, _ code: ScanCode) -> OwnResponse {
        let language = asked.language, parts = Parts(language: language)
        return show(Page(
            language: language, title: Catalogue.phoneTitle, requestID: asked.requestID,
            content: .group([
                parts.title(Catalogue.phoneTitle), parts.paragraph(Catalogue.openScanText),
                h("code", [.class("address"), .id("address")], .text(ownAddress(options.authOrigin, "scan/" + code.text))),
                h("button", [
                    .class("button"), .init("type", "button"), .init("data-copy", "address"), .init("data-done", Catalogue.copied(language)), .init("hidden"),
                ], .text(Catalogue.copy(language))),
            ])))
    }

    private func result(_ asked: Asked, _ kind: Phrase, _ tone: Parts.Tone, _ title: Phrase, _ text: Phrase, status: Int) -> OwnResponse {
        let parts = Parts(language: asked.language)
        return show(Page(
            language: asked.language, title: title, requestID: asked.requestID,
            content: .group([parts.kind(kind, tone), parts.title(title), parts.paragraph(text)])), status: status)
    }
}
