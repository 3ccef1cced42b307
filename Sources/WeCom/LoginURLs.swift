/// Where a browser inside WeCom (or inside WeChat, through the corp's plugin) is sent to log in: WeCom's page "web authorization link"
/// (developer document 91022). With the scope `snsapi_base` the person sees nothing of it.
public struct AuthorizeURL: Sendable {
    /// The whole URL, its parameters in the order of WeCom's document, ending in the `#wechat_redirect` that the client looks for.
    public let text: String

    /// - Parameters:
    ///   - redirectURI: the callback, not encoded: `https://auth.corp.example/.menwei/callback/corp`. Its host and port must be the app's trusted domain.
    ///   - state: `a-zA-Z0-9`, 1–128 bytes; WeCom promises no other.
    ///   - scope: nil: the app's.
    public init(_ app: WeComApp, redirectURI: String, state: String, scope: WeComApp.Scope? = nil) {
        var url = EndpointURL(app.endpoints.authorize)
        url.add("appid", app.corpID)
        url.add("redirect_uri", redirectURI)
        url.add("response_type", "code")
        url.add("scope", (scope ?? app.scope).rawValue)
        url.add("state", state)
        url.add("agentid", String(app.agentID))
        text = url.text(fragment: "wechat_redirect")
    }
}

/// WeCom's login page for browsers outside (developer document 98171): a QR code, or a click where WeCom runs on the same desktop.
public struct WebLoginURL: Sendable {
    /// What the page does with the code when it stands in a frame.
    public enum RedirectType: String, Sendable {
        /// The whole window goes to the callback.
        case top
        /// Only the frame goes there.
        case `self`
        /// The page's script gets the code.
        case callback
    }
    public enum PanelSize: String, Sendable {
        /// 480×416 CSS pixels
        case middle
        /// 320×380 CSS pixels
        case small
    }
    public enum Language: String, Sendable {
        case zh
        case en
    }

    public let text: String

    /// - Parameters:
    ///   - redirectURI: as for `AuthorizeURL`; its host and port must be the trusted domain or the app's web login callback domain.
    ///   - redirectType: only for a page in a frame; nil leaves it out.
    ///   - panelSize: likewise.
    public init(
        _ app: WeComApp, redirectURI: String, state: String, redirectType: RedirectType? = nil, panelSize: PanelSize? = nil,
        language: Language? = nil
    ) {
        var url = EndpointURL(app.endpoints.webLogin)
        url.add("login_type", "CorpApp")
        url.add("appid", app.corpID)
        url.add("agentid", String(app.agentID))
        url.add("redirect_uri", redirectURI)
        url.add("state", state)
        if let redirectType { url.add("redirect_type", redirectType.rawValue) }
        if let panelSize { url.add("panel_size", panelSize.rawValue) }
        if let language { url.add("lang", language.rawValue) }
        text = url.text()
    }
}

/// WeChat's login page for websites: a QR code to scan with WeChat. Whoever refuses on the phone never comes back.
public struct QRConnectURL: Sendable {
    /// The whole URL, ending in the `#wechat_redirect` that the page looks for.
    public let text: String

    /// - Parameters:
    ///   - redirectURI: as for `AuthorizeURL`; its host must be the app's callback domain (授权回调域).
    ///   - state: as for `AuthorizeURL`.
    public init(_ app: WeChatApp, redirectURI: String, state: String) {
        var url = EndpointURL(app.endpoints.authorize)
        url.add("appid", app.appID)
        url.add("redirect_uri", redirectURI)
        url.add("response_type", "code")
        url.add("scope", "snsapi_login")
        url.add("state", state)
        text = url.text(fragment: "wechat_redirect")
    }
}
