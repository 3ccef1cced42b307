import Testing
import WeCom

private let callback = "https://auth.corp.example:8443/.menwei/callback/corp"

private func options(_ change: (inout WeComApp) -> Void = { _ in }) -> WeComApp {
    var app = WeComApp(corpID: "ww0123456789abcdef", agentID: 1_000_002, secret: "s3cret")
    change(&app)
    return app
}

@Suite struct AuthorizeURLTests {
    @Test func `it has WeCom's parameters in WeCom's order and ends in the fragment`() {
        #expect(
            AuthorizeURL(options(), redirectURI: callback, state: "0a1b").text
                == "https://open.weixin.qq.com/connect/oauth2/authorize?appid=ww0123456789abcdef"
                + "&redirect_uri=https%3A%2F%2Fauth.corp.example%3A8443%2F.menwei%2Fcallback%2Fcorp"
                + "&response_type=code&scope=snsapi_base&state=0a1b&agentid=1000002#wechat_redirect")
    }

    @Test func `values are encoded once and cannot end the query`() {
        let text = AuthorizeURL(options(), redirectURI: "https://a/?x=1&y=%20#f", state: "a&b#c").text
        #expect(text.contains("redirect_uri=https%3A%2F%2Fa%2F%3Fx%3D1%26y%3D%2520%23f&"))
        #expect(text.contains("state=a%26b%23c&agentid="))
        #expect(text.hasSuffix("#wechat_redirect"))
    }

    @Test func `another scope can be asked for`() {
        #expect(AuthorizeURL(options { $0.scope = .privateInfo }, redirectURI: callback, state: "a").text.contains("&scope=snsapi_privateinfo&"))
        #expect(AuthorizeURL(options(), redirectURI: callback, state: "a", scope: .privateInfo).text.contains("&scope=snsapi_privateinfo&"))
    }

    @Test(arguments: [
        ("https://wl.example/authorize?tenant=7", "https://wl.example/authorize?tenant=7&appid="),
        ("https://wl.example/authorize?", "https://wl.example/authorize?appid="),
        ("https://wl.example/authorize#old", "https://wl.example/authorize?appid="),
        ("https://wl.example/authorize?tenant=7&#old", "https://wl.example/authorize?tenant=7&appid="),
    ])
    func `a private deployment's address may have a query`(_ endpoint: String, _ start: String) {
        let text = AuthorizeURL(options { $0.endpoints.authorize = endpoint }, redirectURI: callback, state: "a").text
        #expect(text.hasPrefix(start))
        #expect(text.split(separator: "#").count == 2)
    }
}

@Suite struct WebLoginURLTests {
    @Test func `it asks for the app of a corp`() {
        #expect(
            WebLoginURL(options(), redirectURI: callback, state: "0a1b").text
                == "https://login.work.weixin.qq.com/wwlogin/sso/login?login_type=CorpApp&appid=ww0123456789abcdef&agentid=1000002"
                + "&redirect_uri=https%3A%2F%2Fauth.corp.example%3A8443%2F.menwei%2Fcallback%2Fcorp&state=0a1b")
    }

    @Test func `a panel has its size, language and way to go on`() {
        let text = WebLoginURL(options(), redirectURI: callback, state: "s", redirectType: .top, panelSize: .small, language: .zh).text
        #expect(text.hasSuffix("&state=s&redirect_type=top&panel_size=small&lang=zh"))
    }
}
