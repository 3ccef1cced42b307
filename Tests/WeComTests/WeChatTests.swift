import Testing
@testable import WeCom

private let app = WeChatApp(appID: "wx0123456789abcdef", secret: "s3cret+/=")
private let wechat = WeChatProtocol(app)

private func answer(_ text: String, status: Int = 200) -> APIAnswer { APIAnswer(status: status, body: Array(text.utf8)) }
private func grant(union: String? = nil) -> WeChatGrant { WeChatGrant(token: Hidden("T0KEN"), openID: "oOpen", unionID: union) }

private func error<Value>(_ body: () throws(WeComError) -> Value) -> WeComError? {
    do { _ = try body(); return nil } catch { return error }
}

@Suite struct WeChatURLTests {
    @Test func `the page of websites has WeChat's parameters and ends in the fragment`() {
        #expect(
            QRConnectURL(app, redirectURI: "https://auth.corp.example/.menwei/callback/weixin", state: "0a1b").text
                == "https://open.weixin.qq.com/connect/qrconnect?appid=wx0123456789abcdef"
                + "&redirect_uri=https%3A%2F%2Fauth.corp.example%2F.menwei%2Fcallback%2Fweixin"
                + "&response_type=code&scope=snsapi_login&state=0a1b#wechat_redirect")
    }
}

@Suite struct WeChatProtocolTests {
    @Test func `the code is exchanged with the app's secret, encoded`() {
        let call = wechat.exchange(code: "c&d")
        #expect(call.api == "sns/oauth2/access_token")
        #expect(
            call.url == "https://api.weixin.qq.com/sns/oauth2/access_token?appid=wx0123456789abcdef&secret=s3cret%2B%2F%3D&code=c%26d"
                + "&grant_type=authorization_code")
    }

    @Test func `the person is asked for once with what the code brought`() {
        #expect(wechat.person(grant()).url == "https://api.weixin.qq.com/sns/userinfo?access_token=T0KEN&openid=oOpen&lang=zh_CN")
    }

    @Test func `an answer without errcode is a good one`() throws {
        let text = #"{"access_token":"A","expires_in":7200,"refresh_token":"R","openid":"oOpen","scope":"snsapi_login","unionid":"oUnion"}"#
        #expect(try wechat.readExchange(answer(text)) == WeChatGrant(token: Hidden("A"), openID: "oOpen", unionID: "oUnion"))
        #expect(try wechat.readExchange(answer(#"{"access_token":"A","openid":"oOpen","unionid":""}"#)).unionID == nil)
        #expect(try wechat.readExchange(answer(#"{"errcode":0,"access_token":"A","openid":"oOpen"}"#)).openID == "oOpen")
    }

    @Test func `the unionid goes before the openid`() throws {
        let body = #"{"openid":"oOpen","nickname":"小明","unionid":"oUnion"}"#
        let person = try wechat.readPerson(answer(body), grant(union: "oUnion"))
        #expect(person.user == "oUnion")
        #expect(person.name == "小明")
        #expect(person.email.isEmpty && person.mobile.isEmpty && person.departments.isEmpty)
        #expect(try wechat.readPerson(answer(body), grant()).user == "oUnion")
        #expect(try wechat.readPerson(answer(#"{"openid":"oOpen"}"#), grant(union: "oUnion")).user == "oUnion")
        #expect(try wechat.readPerson(answer(#"{"openid":"oOpen","nickname":""}"#), grant()).user == "oOpen")
    }

    @Test(arguments: [
        #"{"openid":"oOther","unionid":"oUnion"}"#, #"{"unionid":"oUnion"}"#, #"{"openid":"oOpen","unionid":"oOther"}"#, #"{"openid":"oOpen","unionid":7}"#,
        #"{"openid":"oOpen","unionid":"a/b"}"#, #"{"openid":"oOpen","unionid":"\#(String(repeating: "o", count: 65))"}"#, "", "<html>", "[]", "{}", "null",
    ])
    func `an answer about somebody else, or about nobody, is a bad one`(_ text: String) {
        #expect(error { () throws(WeComError) in try wechat.readPerson(answer(text), grant(union: "oUnion")) }?.kind == .badAnswer)
    }

    @Test(arguments: [
        "", "<html>", "{}", #"{"access_token":"A"}"#, #"{"openid":"o"}"#, #"{"access_token":"","openid":"o"}"#, #"{"access_token":"a b","openid":"o"}"#,
        #"{"access_token":"A","openid":"a/b"}"#, #"{"access_token":{},"openid":"o"}"#, #"{"errcode":"40029"}"#,
    ])
    func `an exchange without token and openid is a bad answer`(_ text: String) {
        #expect(error { () throws(WeComError) in try wechat.readExchange(answer(text)) }?.kind == .badAnswer)
        #expect(error { () throws(WeComError) in try wechat.readExchange(answer(#"{"access_token":"A","openid":"o"}"#, status: 502)) }?.kind == .badAnswer)
    }

    @Test(arguments: [
        (40029, LoginFailure.codeSpent), (40163, .codeSpent), (42003, .codeSpent), (42007, .codeSpent), (-1, .busy), (45009, .busy), (45011, .busy),
        (40001, .misconfigured), (40013, .misconfigured), (40125, .misconfigured), (48001, .misconfigured), (50001, .declined), (50002, .memberDisabled),
        (40003, .fault), (40030, .fault), (41008, .fault), (42002, .fault), (40014, .busy), (42001, .busy), (99999, .fault),
    ])
    func `each code of WeChat's has its page`(_ code: Int, _ failure: LoginFailure) throws {
        let found = try #require(error { () throws(WeComError) in try wechat.readExchange(answer(#"{"errcode":\#(code),"errmsg":"x, rid: 1-2"}"#)) })
        #expect(found.errcode == code && found.api == "sns/oauth2/access_token")
        #expect(LoginFailure(found) == failure)
    }

    @Test func `the same numbers of WeCom's mean what they mean there`() {
        #expect(LoginFailure(WeComError(api: "auth/getuserinfo", errcode: 50001)) == .misconfigured)
        #expect(LoginFailure(WeComError(api: "user/get", errcode: 50002)) == .outOfVisibleRange)
    }

    @Test func `no description shows a secret or a token`() {
        for text in ["\(app)", String(reflecting: app), "\(wechat)", String(reflecting: wechat), "\(grant())", String(reflecting: grant()),
                     "\(wechat.exchange(code: "c0de"))", String(reflecting: wechat.exchange(code: "c0de"))] {
            #expect(!text.contains("s3cret") && !text.contains("T0KEN") && !text.contains("c0de"))
        }
    }
}

@Suite struct PageSignatureTests {
    @Test func `the text has its parts in WeCom's order, as they are`() {
        #expect(
            PageSignature.text(ticket: Hidden("T"), nonce: "N", timestamp: 1, url: "https://a.example/b?c=%20&d=1")
                == "jsapi_ticket=T&noncestr=N&timestamp=1&url=https://a.example/b?c=%20&d=1")
    }

    @Test func `the two tickets are asked for with the app's token`() throws {
        let wecom = WeComProtocol(WeComApp(corpID: "ww", agentID: 1, secret: "s"))
        #expect(wecom.ticket(.corp, token: Hidden("T")).url == "https://qyapi.weixin.qq.com/cgi-bin/get_jsapi_ticket?access_token=T")
        #expect(wecom.ticket(.app, token: Hidden("T")).url == "https://qyapi.weixin.qq.com/cgi-bin/ticket/get?access_token=T&type=agent_config")
        let fresh = try wecom.readTicket(answer(#"{"errcode":0,"errmsg":"ok","ticket":"kgt8","expires_in":7200}"#), .app)
        #expect(fresh == FreshToken(text: Hidden("kgt8"), lifetime: .seconds(7200)))
        for text in [#"{"errcode":0}"#, #"{"errcode":0,"ticket":"","expires_in":7200}"#, #"{"errcode":0,"ticket":"a","expires_in":0}"#] {
            #expect(error { () throws(WeComError) in try wecom.readTicket(answer(text), .corp) }?.kind == .badAnswer)
        }
        #expect(error { () throws(WeComError) in try wecom.readTicket(answer(#"{"errcode":91040}"#), .corp) }?.errcode == 91040)
    }
}
