import Proxy
import Testing

@testable import Simulator

@Suite struct PageTests {
    let simulator = Harness()

    @Test func theInAppPageReturnsSilentlyWithCodeAndState() async throws {
        let answer = await simulator.authorize()
        #expect(answer.status == 302)
        let location = try #require(answer.text("Location"))
        #expect(location.hasPrefix(Harness.back + "?code="))
        #expect(location.hasSuffix("&state=abc"))
        let code = try answer.code()
        #expect(code.utf8.count == 43)
        #expect(try await simulator.authorize().code() != code)
    }

    @Test func anExistingQueryIsKeptAndAnEmptyStateIsSent() async throws {
        let location = try #require(await simulator.authorize(["redirect_uri": Harness.back + "?a=b", "state": nil]).text("Location"))
        #expect(location.hasPrefix(Harness.back + "?a=b&code="))
        #expect(location.hasSuffix("&state="))
    }

    @Test func anOrdinaryBrowserIsToldToOpenWeCom() async {
        let answer = await simulator.authorize(userAgent: "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0")
        #expect(answer.status == 400)
        #expect(answer.text("X-Simulator-Error") == "client")
        #expect(answer.text("Location") == nil)
    }

    @Test(arguments: [
        "https://auth.localhost/cb", "https://auth.localhost:8444/cb", "https://localhost:8443/cb", "https://x.auth.localhost:8443/cb",
        "https://auth.localhost:8443@evil.example/cb", "https://auth.localhost:8443.evil.example/cb", "https://auth.localhost:8443\\@evil.example/",
        "javascript:alert(1)", "", "https://auth.localhost:8443/a\r\nX: y",
    ])
    func onlyTheTrustedHostAndPortGetACode(_ address: String) async {
        for answer in [await simulator.authorize(["redirect_uri": address]), await simulator.webLogin(["redirect_uri": address, "sim_user": "lisi"])] {
            #expect(answer.status == 400)
            #expect(answer.text("Location") == nil)
        }
    }

    @Test(arguments: ["a-b", "a_b", "a.b", "a b", "é", String(repeating: "a", count: 129)])
    func theInAppPageTakesLettersAndDigitsAsState(_ state: String) async {
        #expect(await simulator.authorize(["state": state]).text("X-Simulator-Error") == "state")
    }

    @Test func aStateOf128CharactersPasses() async {
        #expect(await simulator.authorize(["state": String(repeating: "Z", count: 128)]).status == 302)
    }

    @Test(arguments: [("appid", "wwother"), ("agentid", "7"), ("response_type", "token"), ("scope", "snsapi_userinfo")])
    func wrongParametersAreAPageOfWeComsOwn(_ name: String, _ value: String) async {
        #expect(await simulator.authorize([name: value]).text("X-Simulator-Error") == name)
    }

    @Test func thePhoneBelongsToWhomTheQueryThenTheCookieThenTheControlNames() async throws {
        func user(_ answer: OwnResponse) async throws -> String? {
            let token = try await simulator.token()
            return try await simulator.call("auth/getuserinfo", [("access_token", token), ("code", try answer.code())])["userid"]?.text
        }
        #expect(try await user(simulator.authorize()) == "zhangsan")
        #expect(await simulator.control("phone", .members(["userid": "wangwu"])).status == 200)
        #expect(try await user(simulator.authorize()) == "wangwu")
        #expect(try await user(simulator.authorize(cookie: "a=b; sim_user=lisi")) == "lisi")
        #expect(try await user(simulator.authorize(["sim_user": "zhaoliu"], cookie: "sim_user=lisi")) == "ZhaoLiu")
    }

    @Test func theWebPageListsWhoMayScanAndGoesToTheTopWindow() async throws {
        let answer = await simulator.webLogin()
        #expect(answer.status == 200)
        #expect(answer.page.contains("张三"))
        #expect(answer.page.contains("target=\"_top\" href=\"/wwlogin/sso/login?"))
        #expect(answer.page.contains("sim_user=lisi\""))
        let policy = try #require(answer.text("Content-Security-Policy"))
        #expect(policy.hasPrefix("default-src 'none'; style-src 'nonce-"))
        #expect(!policy.contains("frame-ancestors"))
    }

    @Test func theLinksOfTheWebPageLeadBackWithTheStateUntouched() async throws {
        let page = await simulator.webLogin().page
        let link = try #require(page.split(separator: "href=\"").dropFirst().first).prefix { $0 != "\"" }
            .split(separator: "&amp;").joined(separator: "&")
        let answer = await simulator.send("GET", link)
        #expect(answer.status == 302)
        #expect(answer.text("Location")?.hasPrefix(Harness.back + "?code=") == true)
        #expect(answer.text("Location")?.hasSuffix("&state=a-b%2Fc") == true)
    }

    @Test func aRefusalReturnsTheStateAlone() async {
        #expect(await simulator.webLogin(["sim_refuse": "1"]).text("Location") == Harness.back + "?state=a-b%2Fc")
    }

    @Test func whoIsOutOfRangeIsToldSoAtTheScan() async {
        let answer = await simulator.webLogin(["sim_user": "chuwai"])
        #expect(answer.status == 200)
        #expect(answer.page.contains("无权限"))
        #expect(answer.text("Location") == nil)
    }

    @Test func aPlannedScanHappensOnceAndNeverInAFrame() async {
        _ = await simulator.control("scan", .members(["userid": "lisi"]))
        #expect(await simulator.webLogin(fields: [("Sec-Fetch-Dest", "iframe")]).status == 200)
        #expect(await simulator.webLogin().status == 302)
        #expect(await simulator.webLogin().status == 200)
    }

    @Test func theWebCallbackDomainServesTheWebPageOnly() async {
        _ = await simulator.control("app", .members(["trusted_domains": .array([]), "web_callback_domains": .array(["auth.localhost:8443"])]))
        #expect(await simulator.webLogin(["sim_user": "lisi"]).status == 302)
        #expect(await simulator.authorize().text("X-Simulator-Error") == "redirect_uri")
    }

    @Test func privateDetailsAreAskedFor() async throws {
        let ask = await simulator.authorize(["scope": "snsapi_privateinfo"])
        #expect(ask.status == 200)
        #expect(ask.page.contains("sim_consent=yes"))
        let refused = await simulator.authorize(["scope": "snsapi_privateinfo", "sim_consent": "no"])
        #expect(refused.text("Location") == Harness.back + "?state=abc")
        #expect(await simulator.authorize(["scope": "snsapi_privateinfo", "sim_user": "chuwai"]).text("X-Simulator-Error") == "range")
    }

    @Test func namesOfMembersCannotBringMarkupIn() async {
        _ = await simulator.control("member", .members(["userid": "evil", "name": "<script>\"'&", "departments": .array([2])]))
        let page = await simulator.webLogin().page
        #expect(!page.contains("<script"))
        #expect(page.contains("&lt;script&gt;&quot;&#39;&amp;"))
    }

    @Test func englishComesWithTheHeaderOrTheParameter() async {
        #expect(await simulator.webLogin(["lang": "en"]).page.contains("Choose who scans"))
        #expect(await simulator.webLogin(fields: [("Accept-Language", "en-GB,en;q=0.9,zh;q=0.5")]).page.contains("Choose who scans"))
        #expect(await simulator.webLogin(fields: [("Accept-Language", "zh-CN,en;q=0.9")]).page.contains("请选择"))
    }

    @Test func theFrontPageSetsWhoHoldsThePhone() async {
        let answer = await simulator.send("GET", "/?sim_user=wwlinkedcorp000001%2Fwangxiaoming")
        #expect(answer.text("Set-Cookie")?.hasPrefix("sim_user=wwlinkedcorp000001%2Fwangxiaoming;") == true)
        #expect(await simulator.send("GET", "/?sim_user=nobody").text("Set-Cookie") == nil)
        #expect(await simulator.send("GET", "/nothing").status == 404)
        #expect(await simulator.send("POST", "/").status == 405)
    }
}
