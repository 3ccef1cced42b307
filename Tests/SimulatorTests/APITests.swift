import Proxy
import Testing

@testable import Simulator

@Suite struct APITests {
    let simulator = Harness()

    func userInfo(_ code: String, corp: String = "ww0123456789abcdef", secret: String = "simulator-secret", api: String = "auth/getuserinfo") async throws -> JSON {
        try await simulator.call(api, [("access_token", try await simulator.token(corp: corp, secret: secret)), ("code", code)])
    }
    func ask(_ api: String, _ query: [(String, String)] = [], secret: String = "simulator-secret") async throws -> JSON {
        try await simulator.call(api, [("access_token", try await simulator.token(secret: secret))] + query)
    }

    // MARK: token

    @Test func aTokenComesWithItsLife() async throws {
        let answer = try await simulator.call("gettoken", [("corpid", "ww0123456789abcdef"), ("corpsecret", "simulator-secret")])
        #expect(answer.errcode == 0)
        #expect(answer["errmsg"] == "ok")
        #expect(answer["expires_in"] == 7200)
        #expect(try #require(answer["access_token"]?.text).utf8.count <= 512)
    }

    @Test func theSameTokenComesWhileItLives() async throws {
        let first = try await simulator.token()
        simulator.clock.advance(7199)
        #expect(try await simulator.call("gettoken", [("corpid", "ww0123456789abcdef"), ("corpsecret", "simulator-secret")])["expires_in"] == 1)
        #expect(try await simulator.token() == first)
        simulator.clock.advance(1)
        #expect(try await simulator.token() != first)
        #expect(try await simulator.call("agent/get", [("access_token", first), ("agentid", "1000002")]).errcode == 42001)
    }

    @Test func withoutReuseOlderTokensStayGood() async throws {
        _ = await simulator.control("settings", .members(["reuse_tokens": .bool(false)]))
        let first = try await simulator.token()
        #expect(try await simulator.token() != first)
        #expect(try await simulator.call("tag/list", [("access_token", first)]).errcode == 0)
    }

    @Test(arguments: [
        ("", "simulator-secret", 41002), ("ww0123456789abcdef", "", 41004), ("wwnobody", "simulator-secret", 40013), ("ww0123456789abcdef", "wrong", 40001),
    ])
    func gettokenNamesWhatIsWrong(_ corp: String, _ secret: String, _ code: Int) async throws {
        #expect(try await simulator.call("gettoken", [("corpid", corp), ("corpsecret", secret)]).errcode == code)
    }

    @Test func revokedTokensAreUnknownAndExpiredOnesAreOver() async throws {
        let token = try await simulator.token()
        _ = await simulator.control("expire-tokens")
        #expect(try await simulator.call("tag/list", [("access_token", token)]).errcode == 42001)
        _ = await simulator.control("revoke-tokens")
        #expect(try await simulator.call("tag/list", [("access_token", token)]).errcode == 40014)
        #expect(try await simulator.call("tag/list").errcode == 41001)
    }

    @Test func errmsgCarriesHintAndAddress() async throws {
        let message = try #require(try await userInfo("madeup")["errmsg"]?.text)
        #expect(message.hasPrefix("invalid code, hint: [1800000000_"))
        #expect(message.hasSuffix("], from ip: 127.0.0.1, more info at https://open.work.weixin.qq.com/devtool/query?e=40029"))
    }

    // MARK: identity

    @Test func aCodeIsGoodOnce() async throws {
        let code = try await simulator.code()
        #expect(try await userInfo(code) == .object([
            .init(name: "errcode", value: 0), .init(name: "errmsg", value: "ok"), .init(name: "userid", value: "zhangsan"),
        ]))
        #expect(try await userInfo(code).errcode == 40029)
    }

    @Test func aCodeLivesFiveMinutes() async throws {
        let early = try await simulator.code(), late = try await simulator.code()
        simulator.clock.advance(299)
        #expect(try await userInfo(early).errcode == 0)
        simulator.clock.advance(1)
        #expect(try await userInfo(late).errcode == 40029)
    }

    @Test func aTokenErrorDoesNotSpendTheCode() async throws {
        let code = try await simulator.code()
        #expect(try await simulator.call("auth/getuserinfo", [("access_token", "x"), ("code", code)]).errcode == 40014)
        #expect(try await userInfo(code).errcode == 0)
    }

    @Test func aCodeBelongsToItsAppAndCorp() async throws {
        #expect(try await userInfo(simulator.code(), secret: "simulator-secret-old").errcode == 40029)
        #expect(try await userInfo(simulator.code(), corp: "wwfedcba9876543210", secret: "second-secret").errcode == 40029)
        _ = await simulator.control("app", .members(["agentid": 1_000_003, "trusted_domains": .array(["other.example"])]))
        #expect(try await userInfo(simulator.code(), secret: "simulator-secret-old").errcode == 50001)
        #expect(try await userInfo("").errcode == 41008)
    }

    @Test func whoIsOutOfRangeIsNamedAllTheSame() async throws {
        #expect(try await userInfo(simulator.code("chuwai"))["userid"] == "chuwai")
        #expect(try await ask("user/get", [("userid", "chuwai")]).errcode == 60011)
    }

    @Test func strangersHaveAnOpenidAndLinkedMembersASlash() async throws {
        let outsider = try await userInfo(simulator.code("oOutsider000000000000000001"))
        #expect(outsider["openid"] == "oOutsider000000000000000001")
        #expect(outsider["userid"] == nil)
        #expect(try await userInfo(simulator.code("oCustomer000000000000000001"))["external_userid"] == "wmCustomer000000000000000001")
        #expect(try await userInfo(simulator.code("wwlinkedcorp000001/wangxiaoming"))["userid"] == "wwlinkedcorp000001/wangxiaoming")
    }

    @Test func aMemberOfOneCorpIsAStrangerToTheOther() async throws {
        #expect(try await userInfo(simulator.code("helen"))["openid"] == "oForeignhelen")
        let same = try await userInfo(simulator.code("zhangsan", ["appid": "wwfedcba9876543210"]), corp: "wwfedcba9876543210", secret: "second-secret")
        #expect(same["userid"] == "zhangsan")
        #expect(await simulator.authorize(["sim_user": "nobody"]).text("X-Simulator-Error") == "sim_user")
    }

    @Test func theOldCallHasItsOldCasing() async throws {
        let member = try await userInfo(simulator.code("zhaoliu"), api: "user/getuserinfo")
        #expect(member["UserId"] == "ZhaoLiu")
        #expect(member["DeviceId"]?.text != nil)
        #expect(member["userid"] == nil)
        #expect(try await userInfo(simulator.code("oOutsider000000000000000001"), api: "user/getuserinfo")["OpenId"] == "oOutsider000000000000000001")
    }

    @Test func aTicketOpensTheDetails() async throws {
        let code = try await simulator.code("lisi", ["scope": "snsapi_privateinfo", "sim_consent": "yes"])
        let ticket = try #require(try await userInfo(code)["user_ticket"]?.text)
        let token = try await simulator.token()
        func detail() async throws -> JSON {
            let body = String(decoding: JSON.members(["user_ticket": .string(ticket)]).bytes, as: UTF8.self)
            return try #require(JSON(parsing: await simulator.send("POST", "/cgi-bin/auth/getuserdetail?access_token=\(token)", body: body).body))
        }
        let answer = try await detail()
        #expect(answer["userid"] == "lisi")
        #expect(answer["mobile"] == "13800000002")
        #expect(answer["gender"] == "0")
        #expect(answer["name"] == nil)
        simulator.clock.advance(1800)
        #expect(try await detail().errcode == 40058)
    }

    // MARK: directory

    @Test func aNewAppSeesNamesButNoPhones() async throws {
        let answer = try await ask("user/get", [("userid", "ZHANGSAN")])
        #expect(answer["userid"] == "zhangsan")
        #expect(answer["name"] == "张三")
        #expect(answer["department"] == .array([3, 2]))
        #expect(answer["is_leader_in_dept"] == .array([0, 1]))
        #expect(answer["main_department"] == 3)
        #expect(answer["status"] == 1)
        #expect(answer["mobile"] == nil)
        #expect(answer["email"] == nil)
        #expect(answer["biz_mail"] == nil)
    }

    @Test func anOldAppSeesPhonesToo() async throws {
        let answer = try await ask("user/get", [("userid", "zhangsan")], secret: "simulator-secret-old")
        #expect(answer["mobile"] == "13800000001")
        #expect(answer["biz_mail"] == "zhangsan@corp.example")
    }

    @Test func departmentsOutsideTheRangeAreNotShown() async throws {
        #expect(try await ask("user/get", [("userid", "chenzong")])["department"] == .array([]))
        #expect(try await ask("user/get", [("userid", "liudaibiao")]).errcode == 0)
        #expect(try await ask("user/get", [("userid", "nobody")]).errcode == 60111)
        #expect(try await ask("user/get").errcode == 40003)
    }

    @Test func aDisabledMemberSaysSo() async throws {
        #expect(try await ask("user/get", [("userid", "fengting")])["status"] == 2)
        _ = await simulator.control("member", .members(["userid": "LISI", "status": 5]))
        #expect(try await ask("user/get", [("userid", "lisi")])["status"] == 5)
        _ = await simulator.control("member", .members(["userid": "lisi", "removed": .bool(true)]))
        #expect(try await ask("user/get", [("userid", "lisi")]).errcode == 60111)
    }

    @Test func theTreeIsShownAsFarAsTheRangeGoes() async throws {
        let all = try #require(try await ask("department/simplelist")["department_id"]?.items)
        #expect(all.compactMap { $0["id"]?.number } == [2, 3, 4, 5, 6])
        #expect(all.first?["parentid"] == 1)
        #expect(try #require(try await ask("department/simplelist", [("id", "2")])["department_id"]?.items).count == 3)
        #expect(try #require(try await ask("department/list", [("id", "3")])["department"]?.items).first?["name"] == "后端组")
        #expect(try await ask("department/get", [("id", "2")])["department"]?["department_leader"] == .array(["zhangsan"]))
        #expect(try await ask("department/get", [("id", "7")]).errcode == 60011)
        #expect(try await ask("department/get", [("id", "99")]).errcode == 60123)
    }

    @Test func tagsNameMembersAndDepartments() async throws {
        #expect(try #require(try await ask("tag/list")["taglist"]?.items).first == JSON(parsing: Array("{\"tagid\":1,\"tagname\":\"管理员\"}".utf8)))
        let tag = try await ask("tag/get", [("tagid", "1")])
        #expect(tag["tagname"] == "管理员")
        #expect(tag["userlist"]?.items?.compactMap { $0["userid"]?.text } == ["zhangsan", "chenzong"])
        #expect(try await ask("tag/get", [("tagid", "3")])["partylist"] == .array([2]))
        #expect(try await ask("tag/get", [("tagid", "9")]).errcode == 40068)
    }

    @Test func anAppTellsItsOwnSettings() async throws {
        let answer = try await ask("agent/get", [("agentid", "1000002")])
        #expect(answer["redirect_domain"] == "auth.localhost:8443")
        #expect(answer["close"] == 0)
        #expect(answer["allow_partys"]?["partyid"] == .array([2, 5, 6]))
        #expect(answer["allow_userinfos"]?["user"]?.items?.first?["userid"] == "chenzong")
        #expect(try await ask("agent/get", [("agentid", "1000003")]).errcode == 301002)
        #expect(try await ask("agent/get", [("agentid", "7")]).errcode == 40056)
    }

    @Test func aDisabledAppGetsNoTokenAndNoAnswers() async throws {
        let token = try await simulator.token()
        _ = await simulator.control("app", .members(["disabled": .bool(true)]))
        #expect(try await simulator.call("gettoken", [("corpid", "ww0123456789abcdef"), ("corpsecret", "simulator-secret")]).errcode == 50003)
        #expect(try await simulator.call("user/get", [("access_token", token), ("userid", "lisi")]).errcode == 50003)
        #expect(try await simulator.call("agent/get", [("access_token", token), ("agentid", "1000002")])["close"] == 1)
    }

    @Test func aForeignAddressGetsATokenAndNothingElse() async throws {
        let token = try await simulator.token()
        #expect(try await simulator.call("gettoken", [("corpid", "ww0123456789abcdef"), ("corpsecret", "simulator-secret")], client: "203.0.113.9").errcode == 0)
        let answer = try await simulator.call("user/get", [("access_token", token), ("userid", "lisi")], client: "203.0.113.9")
        #expect(answer.errcode == 60020)
        #expect(answer["errmsg"]?.text?.contains("from ip: 203.0.113.9") == true)
        #expect(try await simulator.call("tag/list", [("access_token", token)], client: "::ffff:127.0.0.1").errcode == 0)
        _ = await simulator.control("app", .members(["trusted_ips": .null]))
        #expect(try await simulator.call("user/get", [("access_token", token), ("userid", "lisi")], client: "203.0.113.9").errcode == 0)
    }

    @Test func tooManyCallsInAMinuteAreRefusedButNotGoodCodes() async throws {
        let token = try await simulator.token()
        _ = await simulator.control("settings", .members(["calls_per_minute": 2]))
        for code in [0, 0, 45009] { #expect(try await simulator.call("tag/list", [("access_token", token)]).errcode == code) }
        for _ in 0..<4 {
            let code = try await simulator.code()
            #expect(try await simulator.call("auth/getuserinfo", [("access_token", token), ("code", code)]).errcode == 0)
        }
        simulator.clock.advance(60)
        #expect(try await simulator.call("tag/list", [("access_token", token)]).errcode == 0)
    }
}
