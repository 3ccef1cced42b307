internal import Access
internal import Bytes
internal import Crypto
internal import HTTP
internal import Proxy
internal import WeCom

/// `/.menwei/start/CONNECTION`: makes a state and sends the browser to WeCom or WeChat.
extension Portal {
    func start(_ asked: Asked, _ connection: ConnectionOptions) async throws(Trouble) -> OwnResponse {
        let isInApp = isInApp(asked, connection)
        let journey = Journey(asked.query, returnTo: returnAddress(asked))
        var cookies: [String] = []
        let browser = fingerprint(try tryCookie(asked, setting: &cookies))
        let state = try await newState(
            LoginState(connection: connection.id, browser: browser, journey: journey, isInApp: isInApp, begun: asked.now), asked)
        let address = address(asked, connection, state: state, isInApp: isInApp)
        var response = redirect(302, address, cookies: cookies)
        // WeCom's panel looks at the origin that embeds it, and a redirect's own policy goes before the frame's.
        response.fields.append(("Referrer-Policy", "origin"))
        return response
    }

    /// WeChat's website apps have one way only.
    private func isInApp(_ asked: Asked, _ connection: ConnectionOptions) -> Bool {
        guard connection.wecom != nil else { return false }
        return switch asked.query.one("via") {
        case "app": true
        case "web": false
        default: asked.client.isWeCom
        }
    }

    /// Keeps a state. Anybody may ask for any number of them, so they count against the address: who asks for too many loses their own first.
    func newState(_ state: LoginState, _ asked: Asked) async throws(Trouble) -> String {
        let value: String
        do {
            value = StateValue.make(random: try options.random(StateValue.randomBytes), attempt: state.journey.attempt)
        } catch {
            throw .random
        }
        let isNew = try await Trouble.store { () async throws(StoreFailure) in
            try await store.put(
                .state, Digest.sha256(value), state.encoded, of: AddressBudget.owner(asked.request.client),
                expires: asked.now.advanced(by: LoginState.remembered), now: asked.now)
        }
        guard isNew else { throw .random }
        return value
    }

    private func address(_ asked: Asked, _ connection: ConnectionOptions, state: String, isInApp: Bool) -> String {
        let redirectURI = ownAddress(options.authOrigin, "callback/" + connection.id)
        let app: WeComApp
        switch connection.kind {
        case .wechat(let app): return QRConnectURL(app, redirectURI: redirectURI, state: state).text
        case .wecom(let app) where isInApp: return AuthorizeURL(app, redirectURI: redirectURI, state: state, scope: .base).text
        case .wecom(let known): app = known
        }
        let isPanel = asked.query.one("panel") == "1"
        let size: WebLoginURL.PanelSize = asked.query.one("size") == "small" ? .small : .middle
        return WebLoginURL(
            app, redirectURI: redirectURI, state: state, redirectType: isPanel ? .top : nil, panelSize: isPanel ? size : nil,
            language: asked.language == .zh ? .zh : .en
        ).text
    }
}
