import Testing
import WeCom

private let app = WeComApp(corpID: "ww01", agentID: 1_000_002, secret: "s3cret+/=")
private let options = ConnectionOptions(id: "corp", name: .init(zh: "企业微信", en: "WeCom"), plainNames: true, .wecom(app))
private let wecom = WeComProtocol(app)
private let token = Hidden("T0KEN")

private func answer(_ text: String, status: Int = 200) -> APIAnswer { APIAnswer(status: status, body: Array(text.utf8)) }

/// Answers that say nothing, whatever was asked.
private let nonsense: [String] = [
    "", " ", "<html><body>502 Bad Gateway</body></html>", "null", "0", "[]", "\"ok\"", "{", "{}", "{\"errcode\":0", "{\"errcode\":\"0\"}",
    "{\"errcode\":null,\"errmsg\":\"ok\"}", "{\"errcode\":true}", "{\"errcode\":1.5}", "{\"errcode\":99999999999999999999}",
    "{\"errcode\":0,\"errmsg\":\"ok\"}", String(repeating: "[", count: 100_000), "{\"errcode\":0,\"Errcode\":40029}", "\u{0}\u{1}",
]

@Suite struct CallTests {
    @Test func `gettoken sends corp id and secret, encoded`() {
        let call = wecom.token()
        #expect(call.api == "gettoken")
        #expect(call.method == .get)
        #expect(call.url == "https://qyapi.weixin.qq.com/cgi-bin/gettoken?corpid=ww01&corpsecret=s3cret%2B%2F%3D")
    }

    @Test func `the code goes to the configured identity call`() {
        #expect(wecom.identity(code: "a_b-c&d", token: token).url == "https://qyapi.weixin.qq.com/cgi-bin/auth/getuserinfo?access_token=T0KEN&code=a_b-c%26d")
        var old = app
        old.endpoints.userinfo = "user/getuserinfo"
        old.endpoints.api = "https://wl.example/wecom/?tenant=7"
        let call = WeComProtocol(old).identity(code: "c", token: token)
        #expect(call.api == "user/getuserinfo")
        #expect(call.url == "https://wl.example/wecom/cgi-bin/user/getuserinfo?tenant=7&access_token=T0KEN&code=c")
    }

    @Test func `user get names the member`() {
        #expect(wecom.member(user: "li@si", token: token).url == "https://qyapi.weixin.qq.com/cgi-bin/user/get?access_token=T0KEN&userid=li%40si")
    }

    @Test func `no text of a call, a token or options shows a secret`() {
        let calls = [wecom.token(), wecom.identity(code: "C0DE", token: token), wecom.member(user: "lisi", token: token)]
        let texts =
            calls.flatMap { ["\($0)", String(reflecting: $0)] }
            + ["\(token)", String(reflecting: token), "\(options)", String(reflecting: options), "\(app)", String(reflecting: app), "\(options.kind)", String(reflecting: options.kind), "\(wecom)", String(reflecting: wecom)]
            + [String(reflecting: FreshToken(text: token, lifetime: .seconds(1)))]
        var dumped = ""
        for call in calls { dump(call, to: &dumped) }
        dump(token, to: &dumped)
        dump(wecom, to: &dumped)
        for text in texts + [dumped] {
            #expect(!text.contains("T0KEN") && !text.contains("s3cret") && !text.contains("C0DE"))
        }
    }
}

@Suite struct TokenAnswerTests {
    @Test func `a token comes with its life`() throws {
        let fresh = try wecom.readToken(answer(#"{"errcode":0,"errmsg":"ok","access_token":"abc","expires_in":7200,"more":{"x":[1]}}"#))
        #expect(fresh == FreshToken(text: Hidden("abc"), lifetime: .seconds(7200)))
    }

    @Test(arguments: [
        #"{"errcode":0,"expires_in":7200}"#, #"{"errcode":0,"access_token":"","expires_in":7200}"#, #"{"errcode":0,"access_token":7,"expires_in":7200}"#,
        #"{"errcode":0,"access_token":"abc"}"#, #"{"errcode":0,"access_token":"abc","expires_in":0}"#, #"{"errcode":0,"access_token":"abc","expires_in":-1}"#,
        #"{"errcode":0,"access_token":"abc","expires_in":"7200"}"#, #"{"errcode":0,"access_token":"a\u000ab","expires_in":7200}"#,
        "{\"errcode\":0,\"access_token\":\"" + String(repeating: "a", count: 513) + "\",\"expires_in\":7200}",
    ] + nonsense)
    func `anything else is a bad answer`(_ text: String) {
        #expect(throws: WeComError.badAnswer("gettoken")) { try wecom.readToken(answer(text)) }
    }

    @Test func `an endless life is cut to a day`() throws {
        #expect(try wecom.readToken(answer(#"{"errcode":0,"access_token":"abc","expires_in":9223372036854775807}"#)).lifetime == .seconds(86400))
    }
}

@Suite struct IdentityAnswerTests {
    @Test(arguments: [
        (#"{"errcode":0,"errmsg":"ok","userid":"ZhangSan"}"#, Identity.member(user: "ZhangSan")),
        (#"{"UserId":"ZhongXun","DeviceId":"10000556333395ZN","errcode":0,"errmsg":"ok"}"#, .member(user: "ZhongXun")),
        (#"{"errcode":0,"userId":"a.b-c_d@e","user_ticket":"t"}"#, .member(user: "a.b-c_d@e")),
        (#"{"errcode":0,"userid":"lisi","openid":null}"#, .member(user: "lisi")),
        (#"{"errcode":0,"userid":"ww02/lisi"}"#, .linkedMember(corp: "ww02", user: "lisi")),
        (#"{"errcode":0,"openid":"oAbc"}"#, .outsider),
        (#"{"errcode":0,"OpenId":"oAbc","DeviceId":"d","external_userid":"wm1"}"#, .outsider),
        (#"{"errcode":0,"userid":"","openid":"oAbc"}"#, .outsider),
        (#"{"errcode":0,"external_userid":"wm1","parent_userid":"p1"}"#, .outsider),
    ])
    func `old and new spellings say who it is`(_ text: String, _ identity: Identity) throws {
        #expect(try wecom.readIdentity(answer(text)) == identity)
    }

    @Test(arguments: [
        #"{"errcode":0,"userid":""}"#, #"{"errcode":0,"userid":null}"#, #"{"errcode":0,"userid":7}"#, #"{"errcode":0,"userid":["lisi"]}"#,
        #"{"errcode":0,"userid":"li si"}"#, #"{"errcode":0,"userid":"李四"}"#, #"{"errcode":0,"userid":"-lisi"}"#, #"{"errcode":0,"userid":"a\r\nb"}"#,
        #"{"errcode":0,"userid":"a\u0000"}"#, #"{"errcode":0,"userid":"a/b/c"}"#, #"{"errcode":0,"userid":"/lisi"}"#, #"{"errcode":0,"userid":"ww02/"}"#,
        #"{"errcode":0,"userid":"lisi","UserId":"wangwu"}"#, #"{"errcode":0,"openid":7}"#,
        "{\"errcode\":0,\"userid\":\"" + String(repeating: "a", count: 65) + "\"}",
    ] + nonsense)
    func `anything else is a bad answer`(_ text: String) {
        #expect(throws: WeComError.badAnswer("auth/getuserinfo")) { try wecom.readIdentity(answer(text)) }
    }

    @Test func `a user id may have 64 bytes`() throws {
        let user = String(repeating: "a", count: 64)
        #expect(try wecom.readIdentity(answer("{\"errcode\":0,\"userid\":\"\(user)\"}")) == .member(user: user))
    }

    @Test(arguments: [201, 302, 403, 500, 502])
    func `an HTTP error is a bad answer even with a fine body`(_ status: Int) {
        #expect(throws: WeComError.badAnswer("auth/getuserinfo")) { try wecom.readIdentity(answer(#"{"errcode":0,"userid":"lisi"}"#, status: status)) }
    }

    @Test func `an answer over the limit is not read`() {
        let long = #"{"errcode":0,"userid":"lisi","x":""# + String(repeating: "x", count: WeComProtocol.answerLimit) + "\"}"
        #expect(throws: WeComError.badAnswer("auth/getuserinfo")) { try wecom.readIdentity(answer(long)) }
    }

    @Test func `a refusal keeps its code and nothing of its message`() {
        let text = #"{"errcode":40029,"errmsg":"invalid code, hint: [1636945471_206], from ip: 198.51.100.7"}"#
        #expect(throws: WeComError(api: "auth/getuserinfo", errcode: 40029)) { try wecom.readIdentity(answer(text)) }
    }

    @Test func `a changed byte anywhere never crashes and never makes another member of a refusal`() {
        let good = Array(#"{"errcode":40029,"errmsg":"invalid code","userid":"lisi","n":[1,{"a":null}],"e":1e5}"#.utf8)
        var random = SystemRandomNumberGenerator()
        for position in good.indices {
            for _ in 0..<8 {
                var changed = good
                changed[position] = .random(in: 0...255, using: &random)
                if case .success(let identity) = Result(catching: { try wecom.readIdentity(APIAnswer(status: 200, body: changed)) }) {
                    Issue.record("\(identity) from \(changed)")
                }
            }
        }
    }
}

@Suite struct MemberAnswerTests {
    @Test func `a full record is read`() throws {
        let member = try wecom.readMember(
            answer(
                #"{"errcode":0,"errmsg":"ok","userid":"ZhangSan","name":"张三","department":[2,7],"order":[1,2],"position":"","mobile":"13800000000","gender":"1","email":"zs@corp.example","biz_mail":"b@corp.example","status":1,"extattr":{"attrs":[]},"main_department":2}"#
            ), user: "zhangsan")
        #expect(member.user == "zhangsan")
        #expect(member.name == "张三")
        #expect(member.departments == [2, 7])
        #expect(member.email == "zs@corp.example")
        #expect(member.mobile == "13800000000")
        #expect(member.status == .active)
    }

    @Test func `a new app's short record is enough`() throws {
        let member = try wecom.readMember(answer(#"{"errcode":0,"userid":"lisi","name":"","email":"","biz_mail":"b@corp.example"}"#), user: "lisi")
        #expect(member.status == .active)
        #expect(member.departments == [])
        #expect(member.email == "b@corp.example")
    }

    @Test(arguments: [
        (1, DirectoryMember.Status.active), (2, .disabled), (4, .notActivated), (5, .left), (3, .other(3)), (0, .other(0)), (-7, .other(-7)),
    ])
    func `a status is read`(_ number: Int, _ status: DirectoryMember.Status) throws {
        #expect(try wecom.readMember(answer(#"{"errcode":0,"userid":"lisi","status":\#(number)}"#), user: "lisi").status == status)
    }

    @Test func `texts that are too long, of another type or with control characters count as unknown`() throws {
        let long = String(repeating: "x", count: 600)
        let member = try wecom.readMember(
            answer(#"{"errcode":0,"userid":"lisi","name":"\#(long)","email":"a\r\nb@c","biz_mail":"b@c","mobile":13800000000}"#), user: "lisi")
        #expect(member.name == "")
        #expect(member.email == "b@c")
        #expect(member.mobile == "")
    }

    @Test(arguments: [
        #"{"errcode":0,"userid":"wangwu"}"#, #"{"errcode":0,"name":"x"}"#, #"{"errcode":0,"userid":"lisi","status":"1"}"#,
        #"{"errcode":0,"userid":"lisi","status":1.5}"#, #"{"errcode":0,"userid":"lisi","department":["2"]}"#, #"{"errcode":0,"userid":"lisi","department":2}"#,
        "{\"errcode\":0,\"userid\":\"lisi\",\"department\":[" + String(repeating: "1,", count: 1000) + "1]}",
    ] + nonsense)
    func `anything else is a bad answer`(_ text: String) {
        #expect(throws: WeComError.badAnswer("user/get")) { try wecom.readMember(answer(text), user: "lisi") }
    }
}
