internal import Access
internal import Bytes
internal import HTTP
internal import Proxy
internal import WeCom

/// The pages at which a login ends without a session.
extension Portal {
    /// Its own page for each class of failure, and the other ways that are left.
    func failurePage(_ failure: LoginFailure, _ asked: Asked, _ connection: ConnectionOptions, _ journey: Journey) -> OwnResponse {
        let parts = Parts(language: asked.language)
        let text = LoginFailureText(failure, connection)
        var again = journey
        again.attempt = 0
        let page = Page(
            language: asked.language, title: text.title, requestID: asked.requestID,
            content: .group([
                parts.kind(Catalogue.kindLogin, failure == .declined ? .calm : text.status == 403 ? .stop : .warning),
                parts.title(text.title), parts.paragraph(text.what),
                parts.heading(Catalogue.whatToDo), parts.paragraph(text.advice),
                parts.actions(parts.button(Catalogue.tryAgain, to: startAddress(connection, again), main: true)),
                otherWays(asked, except: connection, again),
            ]))
        var response = show(page, status: text.status)
        if text.status == 503 { response.fields.append(("Retry-After", "60")) }
        return response
    }

    /// The way that was not tried of the connection that failed, and all others.
    private func otherWays(_ asked: Asked, except failed: ConnectionOptions, _ journey: Journey) -> HTML {
        let parts = Parts(language: asked.language)
        var links: [HTML] = []
        // WeChat has no other way than the one that failed.
        for connection in options.connections where connection != failed || connection.wecom != nil {
            let other = asked.client.isWeCom == (connection == failed)
            let suffix = other ? Catalogue.scanCode : Catalogue.openInWeCom
            let with = Catalogue.loginWith(connection.phrase)
            let text = connection == failed ? with + suffix : with
            links.append(parts.button(
                text, to: startAddress(connection, journey, via: connection == failed ? (other ? "web" : "app") : nil)))
        }
        links.append(scanButton(asked, journey))
        links.append(parts.button(Catalogue.startAgain, to: "/.menwei/login?" + journey.query))
        return .group([parts.heading(Catalogue.otherWays), .element("nav", [.class("actions"), .init("aria-label", Catalogue.otherWays(asked.language))], links)])
    }

    /// All connections, and inside WeCom the way that is not silent as well. From any origin. The page's script adds the fragment that only it can see.
    func everyWay(_ asked: Asked, _ journey: Journey) -> HTML {
        let parts = Parts(language: asked.language)
        let auth = options.authOrigin.text
        let start = [HTML.Attribute("data-start")]
        var links: [HTML] = []
        for connection in options.connections {
            let with = Catalogue.loginWith(connection.phrase)
            links.append(parts.button(with, to: auth + startAddress(connection, journey), start))
            if asked.client.isWeCom, connection.wecom != nil {
                links.append(parts.button(with + Catalogue.scanCode, to: auth + startAddress(connection, journey, via: "web"), start))
            }
        }
        links.append(scanButton(asked, journey, start))
        return .group([parts.heading(Catalogue.otherWays), .element("nav", [.class("actions"), .init("aria-label", Catalogue.otherWays(asked.language))], links)])
    }

    /// The login was begun again twice and still does not come to its end: says what is usually wrong.
    func stuckPage(_ asked: Asked, _ journey: Journey) -> OwnResponse {
        let parts = Parts(language: asked.language)
        var fresh = journey
        fresh.attempt = 0
        // The login before this one set it in this very browser: if it does not come back, nothing else will.
        let isBlocked = asked.cookie(CookieNames.attempt) == nil
        let title = isBlocked ? Catalogue.blockedTitle : Catalogue.stuckTitle
        let page = Page(
            language: asked.language, title: title, requestID: asked.requestID,
            content: .group([
                parts.kind(Catalogue.kindLogin, .warning), parts.title(title), parts.paragraph(isBlocked ? Catalogue.blockedText : Catalogue.stuckText),
                wrongClock(asked),
                parts.heading(isBlocked ? Catalogue.whatToDo : Catalogue.stuckCauses),
                isBlocked ? parts.paragraph(Catalogue.stuckCookies) : parts.list([Catalogue.stuckOther, Catalogue.stuckClock]),
                parts.actions(parts.button(
                    Catalogue.startAgain, to: ownAddress(fresh.returnTo.origin, "login?" + fresh.query), main: true, [.init("data-start")])),
                everyWay(asked, fresh),
            ]))
        return show(page, status: 400)
    }

    /// Shown by the script where the browser's clock is not the gateway's: only both together can see that.
    private func wrongClock(_ asked: Asked) -> HTML {
        h("section", [.class("note warn"), .init("data-clock", String(asked.now.milliseconds)), .init("hidden")],
            h("h2", [], .text(Catalogue.clockTitle(asked.language))), Parts(language: asked.language).paragraph(Catalogue.clockDo))
    }
}
