internal import Access
internal import HTTP
internal import Proxy
internal import WeCom

/// The pages on the way in.
extension Portal {
    /// What the auth origin's login shows to a browser without a session: WeCom itself where that is silent or asked for, else the page.
    func loginPage(_ asked: Asked, _ journey: Journey) async throws(Trouble) -> OwnResponse {
        var cookies: [String] = []
        let browser = try tryCookie(asked, setting: &cookies)
        if asked.client.isWeCom, let connection = options.connections.first(where: { $0.wecom?.autoLogin == true }) {
            return hop(asked, options.authOrigin.text + startAddress(connection, journey), cookies: cookies)
        }
        if asked.isFramed {
            var outside = journey
            outside.bind = nil
            return show(framedPage(asked, outside), cookies: cookies)
        }
        if options.loginPage == .redirect, options.connections.count == 1, let only = options.connections.first, !isOutOfReach(only, asked) {
            return hop(asked, options.authOrigin.text + startAddress(only, journey), cookies: cookies)
        }
        // A phone shows no code: it would have to scan itself.
        if options.loginPage == .scan, asked.client.isDesktop, options.mayScan(from: asked.request.client),
           let page = try await newScan(asked, journey, browser: browser) { return page }
        return show(chooser(asked, journey), cookies: cookies)
    }

    /// `/.menwei/start/CONNECTION?…`
    func startAddress(_ connection: ConnectionOptions, _ journey: Journey, via: String? = nil) -> String {
        "/.menwei/start/\(connection.id)?" + journey.query + (via.map { "&via=" + $0 } ?? "")
    }

    /// Goes on by itself. Browsers get a page, because only a script sees what stands after `#`; programs that ask for no page get a redirect.
    private func hop(_ asked: Asked, _ address: String, cookies: [String]) -> OwnResponse {
        guard asked.audience == .navigation else { return redirect(302, address, cookies: cookies) }
        let parts = Parts(language: asked.language)
        var page = Page(
            language: asked.language, title: Catalogue.hopTitle, requestID: asked.requestID,
            content: h("div", [.class("hop")],
                .void("img", [.init("src", assets.mark.path), .init("alt", ""), .init("width", "48"), .init("height", "48")]),
                parts.lead(Catalogue.hopTitle),
                h("p", [], h("a", [.href(address), .init("data-hop")], .text(Catalogue.hopLink(asked.language))))))
        page.head = h("noscript", [], .void("meta", [.init("http-equiv", "refresh"), .init("content", "0;url=" + address)]))
        page.isBare = true
        page.framableBy = asked.isFramed ? options.framers : []
        return show(page, cookies: cookies)
    }

    /// Inside a frame nobody can log in: one button that opens the login in the top window.
    private func framedPage(_ asked: Asked, _ journey: Journey) -> Page {
        let parts = Parts(language: asked.language)
        return Page(
            language: asked.language, title: Catalogue.frameTitle, requestID: asked.requestID,
            content: h("div", [.class("card")],
                parts.title(Catalogue.frameTitle), parts.lead(Catalogue.frameText),
                parts.actions(parts.button(
                    Catalogue.frameButton, to: ownAddress(asked.origin, "login?" + journey.query), main: true, [.init("target", "_top"), .init("data-start")]))),
            framableBy: options.framers, isBare: true)
    }

    /// WeChat's code is on the screen of the very phone that would have to scan it.
    private func isOutOfReach(_ connection: ConnectionOptions, _ asked: Asked) -> Bool {
        connection.wecom == nil && asked.client.isWeChat && asked.client.isMobile
    }

    /// The login page: on a phone the way through WeCom first, else the panel of the first connection of WeCom's; a button for each connection.
    private func chooser(_ asked: Asked, _ journey: Journey) -> Page {
        let language = asked.language
        let parts = Parts(language: language)
        let isPhone = asked.client.isMobile && !asked.client.isWeCom
        let first = options.connections.first { $0.wecom != nil }
        var content: [HTML] = [parts.title(Catalogue.loginTitle)]
        let place = journey.returnTo.origin
        let lead = options.isSite(place) ? Catalogue.loginLead(place.authority) : first == nil ? Catalogue.loginPlainest : Catalogue.loginPlain
        content.append(parts.lead(lead))
        content.append(h("section", [.class("note warn"), .init("data-no-cookies"), .init("hidden")],
            h("h2", [], .text(Catalogue.blockedTitle(language))), parts.paragraph(Catalogue.stuckCookies)))
        if journey.form != nil { content.append(formKeptNote(language)) }
        var frames: [String] = []
        if isPhone {
            content.append(first == nil ? .nothing : openInWeCom(asked, journey))
            if options.connections.contains(where: { isOutOfReach($0, asked) }) { content.append(parts.lead(Catalogue.insideWeChat)) }
            if first != nil { content.append(parts.lead(asked.client.isWeChat ? Catalogue.pluginText : Catalogue.otherDevice)) }
        } else if let first {
            frames = Array(Set(options.connections.compactMap { $0.wecom.flatMap { origin(of: $0.endpoints.webLogin) } })).sorted()
            let source = startAddress(first, journey, via: "web") + "&panel=1"
            if options.connections.count > 1 { content.append(parts.heading(Catalogue.loginWith(first.phrase))) }
            // The script loads the panel, once, with the fragment that only it can see. Where scripts are off there is the plain frame.
            content.append(h("div", [.class("panel")],
                panel([.init("data-panel", source)], language), h("noscript", [], panel([.init("src", source)], language))))
            content.append(h("noscript", [], parts.lead(Catalogue.noScript)))
            content.append(h("p", [.class("or")], .text(Catalogue.or(language))))
        }
        let buttons = options.connections.map { connection in loginButton(connection, asked, journey) } + [scanButton(asked, journey, [.init("data-start")])]
        content.append(.element("nav", [.class("actions"), .init("aria-label", Catalogue.loginTitle(language))], buttons))
        return Page(
            language: language, title: Catalogue.loginTitle, requestID: asked.requestID, content: .group(content), frames: frames)
    }

    /// Inside WeChat on a phone, WeCom's in-app page works for those who follow the corp's plug-in there; a code to scan would not.
    private func loginButton(_ connection: ConnectionOptions, _ asked: Asked, _ journey: Journey) -> HTML {
        let isPlugin = connection.wecom != nil && asked.client.isWeChat && asked.client.isMobile
        let text = Catalogue.loginWith(connection.phrase)
        return Parts(language: asked.language).button(
            isPlugin ? text + Catalogue.throughPlugin : text, to: startAddress(connection, journey, via: isPlugin ? "app" : nil), [.init("data-start")])
    }

    /// WeCom's panel as a plain frame, with what its own script would give it.
    private func panel(_ source: [HTML.Attribute], _ language: Language) -> HTML {
        .element("iframe", source + [
            .init("title", Catalogue.panelTitle(language)), .init("referrerpolicy", "origin"), .init("allow", "local-network-access"),
            .init("width", "480"), .init("height", "416"),
        ], [])
    }

    private func openInWeCom(_ asked: Asked, _ journey: Journey) -> HTML {
        let language = asked.language
        let parts = Parts(language: language)
        return h("section", [.class("note"), .init("aria-labelledby", "open-in-wecom")],
            h("h2", [.id("open-in-wecom")], .text(Catalogue.phoneTitle(language))),
            parts.paragraph(Catalogue.phoneText),
            h("code", [.class("address"), .id("address")], .text(journey.returnTo.url)),
            h("button", [
                .class("button"), .init("type", "button"), .init("data-copy", "address"), .init("data-done", Catalogue.copied(language)), .init("hidden"),
            ], .text(Catalogue.copy(language))))
    }

    /// `https://host:port` of an endpoint's address.
    private func origin(of address: String) -> String? {
        guard let mark = address.firstRange(of: "://")?.upperBound else { return nil }
        let authority = address[mark...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return String(address[..<mark]) + authority
    }
}

extension ConnectionOptions {
    /// How pages name it.
    var phrase: Phrase { Phrase(name.zh, name.en) }
}

extension PortalOptions {
    /// Who may frame the pages that are made for frames: the configured origins.
    var framers: [String] { origins.map(\.text).sorted() }
}
