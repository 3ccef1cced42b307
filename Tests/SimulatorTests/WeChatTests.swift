import Proxy
import Testing

@testable import Simulator

/// WeChat's website login as far as it is known (facts of the interface), beside WeCom in the same simulator.
@Suite struct WeChatTests {
    let simulator = Harness()
    static let back = "https://auth.localhost:8443/.menwei/callback/weixin"
    static let app = "wx0123456789abcdef"

    func qrConnect(_ changes: [String: String?] = [:]) async -> OwnResponse {
        let standard: [String: String?] = [
            "appid": Self.app, "redirect_uri": Self.back, "response_type": "code", "scope": "snsapi_login", "state": "0a1b",
        ]
        let query = standard.merging(changes) { $1 }.compactMap { name, value in value.map { name + "=" + Form.encode($0) } }.joined(separator: "&")
        return await simulator.send("GET", "/connect/qrconnect?" + query)
    }

    func ask(_ api: String, _ query: [(String, String)]) async throws -> JSON {
        let response = await simulator.send("GET", "/\(api)?" + query.map { $0.0 + "=" + Form.encode($0.1) }.joined(separator: "&"))
        // Errors too have status 200 and this type.
        #expect(response.status == 200)
        #expect(response.text("Content-Type") == "text/plain")
        return try #require(JSON(parsing: response.body))
    }

    func exchange(_ code: String, app: String = app, secret: String = "wechat-secret") async throws -> JSON {
        try await ask("sns/oauth2/access_token", [("appid", app), ("secret", secret), ("code", code), ("grant_type", "authorization_code")])
    }

    func code(_ user: String = "xiaoming") async throws -> String { try await qrConnect(["sim_user": user]).code() }

    // MARK: the page

    @Test func thePageAsksWhoScansAndGoesBackWithCodeAndState() async throws {
        let page = await qrConnect()
        #expect(page.status == 200 && page.page.contains("xiaoming") && page.page.contains("小红"))
        let location = try #require(await qrConnect(["sim_user": "xiaoming"]).text("Location"))
        #expect(location.hasPrefix(Self.back + "?code=") && location.hasSuffix("&state=0a1b"))
    }

    @Test func whoRefusesStaysOnThePage() async throws {
        let page = await qrConnect(["sim_refuse": "1"])
        #expect(page.status == 200 && page.text("Location") == nil)
    }

    @Test func aPlannedScanGoesOnAtOnce() async throws {
        _ = await simulator.control("scan", .members(["userid": "xiaohong"]))
        #expect(await qrConnect().status == 302)
        #expect(await qrConnect().status == 200)
    }

    @Test(arguments: [
        (["appid": "wxnobody"], "appid"), (["response_type": "token"], "response_type"), (["scope": "snsapi_base"], "scope"),
        (["redirect_uri": "https://evil.example/"], "redirect_uri"), (["redirect_uri": "nothing"], "redirect_uri"), (["sim_user": "nobody"], "sim_user"),
    ])
    func thePageRefusesWhatIsNotRegistered(_ changes: [String: String], _ code: String) async throws {
        let response = await qrConnect(changes.mapValues { $0 })
        #expect(response.status == 400)
        #expect(response.text("X-Simulator-Error") == code)
    }

    @Test func theCallbackDomainHasNoPort() async throws {
        #expect(await qrConnect(["sim_user": "xiaoming", "redirect_uri": "https://auth.localhost:9999/x"]).status == 302)
        _ = await simulator.control("trusted-domains", .members(["domains": .array(["auth.test:12345"])]))
        #expect(await qrConnect(["sim_user": "xiaoming", "redirect_uri": "https://auth.test/x"]).status == 302)
        #expect(await qrConnect(["sim_user": "xiaoming"]).status == 400)
    }

    // MARK: the calls

    @Test func aCodeBecomesTokensAndIDsWithoutErrcode() async throws {
        let answer = try await exchange(code())
        #expect(answer["errcode"] == nil)
        #expect(answer["expires_in"] == 7200)
        #expect(answer["scope"] == "snsapi_login")
        #expect(answer["refresh_token"]?.text != nil)
        let person = try await ask("sns/userinfo", [
            ("access_token", try #require(answer["access_token"]?.text)), ("openid", try #require(answer["openid"]?.text)), ("lang", "zh_CN"),
        ])
        #expect(person["errcode"] == nil)
        #expect(person["nickname"] == "小明")
        #expect(person["openid"] == answer["openid"])
        #expect(person["unionid"] == answer["unionid"])
        #expect(person["privilege"]?.items == [])
    }

    @Test func theOpenidIsOfOneAppAndTheUnionidOfAll() async throws {
        _ = await simulator.control("wechat-app", .members(["appid": "wxother", "secret": "other"]))
        let first = try await exchange(code())
        let other = try await exchange(try await qrConnect(["appid": "wxother", "sim_user": "xiaoming"]).code(), app: "wxother", secret: "other")
        #expect(first["openid"] != other["openid"])
        #expect(first["unionid"] == other["unionid"])
        _ = await simulator.control("wechat-app", .members(["union_ids": .bool(false)]))
        let alone = try await exchange(code())
        #expect(alone["unionid"] == nil)
        #expect(alone["openid"] == first["openid"])
    }

    @Test func aCodeIsGoodOnceAndForTenMinutes() async throws {
        let early = try await code(), late = try await code()
        simulator.clock.advance(599)
        #expect(try await exchange(early).errcode == nil)
        #expect(try await exchange(early).errcode == 40163)
        simulator.clock.advance(1)
        #expect(try await exchange(late).errcode == 42003)
        #expect(try await exchange("madeup").errcode == 40029)
    }

    @Test func appAndSecretAreLookedAtBeforeTheCode() async throws {
        let code = try await code()
        #expect(try await exchange(code, app: "wxnobody").errcode == 40013)
        #expect(try await exchange("madeup", secret: "wrong").errcode == 40125)
        #expect(try await exchange("").errcode == 41008)
        _ = await simulator.control("wechat-app", .members(["appid": "wxother", "secret": "other"]))
        #expect(try await exchange(code, app: "wxother", secret: "other").errcode == 40029)
        _ = await simulator.control("wechat-app", .members(["approved": .bool(false)]))
        #expect(try await exchange(code).errcode == 48001)
    }

    @Test func aTokenOpensItsOwnPersonOnly() async throws {
        let mine = try await exchange(code()), other = try await exchange(code("xiaohong"))
        let token = try #require(mine["access_token"]?.text)
        #expect(try await ask("sns/userinfo", [("access_token", token), ("openid", try #require(other["openid"]?.text))]).errcode == 40003)
        #expect(try await ask("sns/userinfo", [("access_token", "x"), ("openid", "o")]).errcode == 40001)
        #expect(try await ask("sns/userinfo", [("access_token", token)]).errcode == 41009)
        simulator.clock.advance(7200)
        #expect(try await ask("sns/userinfo", [("access_token", token), ("openid", try #require(mine["openid"]?.text))]).errcode == 42001)
    }

    @Test func faultsCanBePlannedForIt() async throws {
        _ = await simulator.control("faults", .members(["api": "sns/oauth2/access_token", "errcode": 45011, "times": 1]))
        #expect(try await exchange("x").errcode == 45011)
        #expect(try await exchange("x").errcode == 40029)
    }
}

@Suite struct PageTicketTests {
    let simulator = Harness()

    func ask(_ api: String, _ query: [(String, String)] = [], corp: String = "ww0123456789abcdef", secret: String = "simulator-secret") async throws -> JSON {
        try await simulator.call(api, [("access_token", try await simulator.token(corp: corp, secret: secret))] + query)
    }

    @Test func theCorpsTicketIsOneAndTheAppsItsOwn() async throws {
        let corp = try await ask("get_jsapi_ticket")
        #expect(corp.errcode == 0 && corp["expires_in"] == 7200)
        #expect(try await ask("get_jsapi_ticket", secret: "simulator-secret-old")["ticket"] == corp["ticket"])
        let app = try await ask("ticket/get", [("type", "agent_config")])
        #expect(app["ticket"] != corp["ticket"])
        #expect(try await ask("ticket/get", [("type", "agent_config")], secret: "simulator-secret-old")["ticket"] != app["ticket"])
        #expect(try await ask("get_jsapi_ticket", corp: "wwfedcba9876543210", secret: "second-secret")["ticket"] != corp["ticket"])
        #expect(try await ask("ticket/get", [("type", "jsapi")]).errcode == 91040)
    }

    @Test func aTicketLivesTwoHours() async throws {
        let first = try await ask("get_jsapi_ticket")
        simulator.clock.advance(7199)
        let again = try await ask("get_jsapi_ticket")
        #expect(again["ticket"] == first["ticket"] && again["expires_in"] == 1)
        simulator.clock.advance(1)
        #expect(try await ask("get_jsapi_ticket")["ticket"] != first["ticket"])
    }

    @Test func anAppMayAskAHundredTimesAnHourAndACorpFourHundred() async throws {
        for _ in 0..<100 { #expect(try await ask("ticket/get", [("type", "agent_config")]).errcode == 0) }
        #expect(try await ask("ticket/get", [("type", "agent_config")]).errcode == 45009)
        #expect(try await ask("ticket/get", [("type", "agent_config")], secret: "simulator-secret-old").errcode == 0)
        for _ in 0..<400 { #expect(try await ask("get_jsapi_ticket").errcode == 0) }
        #expect(try await ask("get_jsapi_ticket", secret: "simulator-secret-old").errcode == 45009)
        simulator.clock.advance(3600)
        #expect(try await ask("ticket/get", [("type", "agent_config")]).errcode == 0)
    }
}
