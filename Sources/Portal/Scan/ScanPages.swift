internal import Access
internal import Bytes
internal import HTTP
internal import Proxy
internal import WeCom

/// What the asking browser shows of a login by our own QR code.
extension Portal {
    /// The code, the number, and the other ways below it.
    func waitingPage(_ asked: Asked, _ code: ScanCode, _ scan: Scan, cookies: [String] = []) -> OwnResponse {
        let language = asked.language, parts = Parts(language: language)
        let path = "/.menwei/scan/" + code.text
        let address = options.authOrigin.text + path
        // It is shorter than what any code holds, so there is always a picture.
        let picture = QRCode(address)?.picture(label: Catalogue.scanPicture(language)) ?? .nothing
        var page = Page(
            language: language, title: Catalogue.scanTitle, requestID: asked.requestID,
            content: .group([
                parts.title(Catalogue.scanTitle), lead(scan.journey, parts),
                h("div", [.class("scan"), .init("data-scan", path)],
                    picture,
                    h("div", [.class("choose")],
                        h("p", [], .text(Catalogue.scanNumber(language))), h("p", [.class("number")], .text(String(scan.numbers.right))),
                        h("p", [.class("lead")], .text(Catalogue.scanLife(language))))),
                h("p", [.class("link")],
                    .text(Catalogue.scanLink(language)), " ", h("a", [.href(address)], .text(address))),
                otherConnections(scan.journey, parts),
            ]))
        page.connects = true
        // Without scripts the page asks by itself what became of it.
        page.head = h("noscript", [], .void("meta", [.init("http-equiv", "refresh"), .init("content", "3;url=" + path)]))
        return show(page, cookies: cookies)
    }

    /// The phone said no, or nothing at all.
    func notLetInPage(_ asked: Asked, _ scan: Scan, wasRefused: Bool) -> OwnResponse {
        let parts = Parts(language: asked.language)
        let title = wasRefused ? Catalogue.scanRefusedTitle : Catalogue.scanExpiredTitle
        return show(Page(
            language: asked.language, title: title, requestID: asked.requestID,
            content: .group([
                parts.kind(Catalogue.kindLogin, wasRefused ? .stop : .calm), parts.title(title),
                parts.paragraph(wasRefused ? Catalogue.scanRefusedText : Catalogue.scanExpiredText),
                parts.actions(parts.button(Catalogue.scanAgain, to: scanAddress(scan.journey), main: true)),
                otherConnections(scan.journey, parts),
            ])), status: wasRefused ? 403 : 410)
    }

    func tooManyScansPage(_ asked: Asked, _ journey: Journey) -> OwnResponse {
        let parts = Parts(language: asked.language)
        var response = show(Page(
            language: asked.language, title: Catalogue.scanTooManyTitle, requestID: asked.requestID,
            content: .group([
                parts.kind(Catalogue.kindTrouble, .warning), parts.title(Catalogue.scanTooManyTitle), parts.paragraph(Catalogue.scanTooManyText),
                parts.actions(parts.reload()), otherConnections(journey, parts),
            ])), status: 429)
        response.fields.append(("Retry-After", String(AddressBudget.scans.window.components.seconds)))
        return response
    }

    /// `/.menwei/scan?…`
    func scanAddress(_ journey: Journey) -> String { "/.menwei/scan?" + journey.query }

    /// The way by our own code, where this browser may have one. Whoever sees it on a phone holds in hand what it would have to be scanned with.
    func scanButton(_ asked: Asked, _ journey: Journey, _ more: [HTML.Attribute] = []) -> HTML {
        guard options.mayScan(from: asked.request.client), !asked.client.isMobile else { return .nothing }
        return Parts(language: asked.language).button(Catalogue.scanButton, to: options.authOrigin.text + scanAddress(journey), more)
    }

    private func lead(_ journey: Journey, _ parts: Parts) -> HTML {
        let place = journey.returnTo.origin
        return parts.lead(options.isSite(place) ? Catalogue.loginLead(place.authority) : Catalogue.loginPlain)
    }

    private func otherConnections(_ journey: Journey, _ parts: Parts) -> HTML {
        let buttons = options.connections.map {
            parts.button(Catalogue.loginWith($0.phrase), to: startAddress($0, journey), [.init("data-start")])
        }
        return .group([
            h("p", [.class("or")], .text(Catalogue.or(parts.language))),
            .element("nav", [.class("actions"), .init("aria-label", Catalogue.otherWays(parts.language))], buttons),
        ])
    }
}
