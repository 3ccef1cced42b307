import Bytes
import Proxy
import Testing

@testable import Simulator

@Suite struct ControlTests {
    let simulator = Harness()

    @Test(arguments: [-1, 40001, 40013, 40014, 42001, 40029, 50001, 60011, 60111, 60020, 301002, 40056, 45009, 45033, 48002, 50002])
    func everyCodeComesOnDemandForSoManyCalls(_ code: Int) async throws {
        let token = try await simulator.token()
        #expect(await simulator.control("faults", .members(["api": "tag/list", "errcode": .int(code), "times": 2])).status == 200)
        for expected in [code, code, 0] {
            let answer = try await simulator.call("tag/list", [("access_token", token)])
            #expect(answer.errcode == expected)
            #expect(try #require(answer["errmsg"]?.text).isEmpty == false)
        }
    }

    @Test func aFaultOfOneApiLeavesTheOthersAlone() async throws {
        _ = await simulator.control("faults", .members(["api": "user/get", "errcode": -1]))
        let token = try await simulator.token()
        for _ in 0..<3 { #expect(try await simulator.call("user/get", [("access_token", token), ("userid", "lisi")]).errcode == -1) }
        #expect(try await simulator.call("tag/list", [("access_token", token)]).errcode == 0)
        _ = await simulator.control("clear-faults")
        #expect(try await simulator.call("user/get", [("access_token", token), ("userid", "lisi")]).errcode == 0)
    }

    @Test func answersThatAreNotWeComsComeOnDemand() async {
        func answer(_ word: String) async -> (status: Int, type: String?, body: [UInt8], close: Bool) {
            _ = await simulator.control("faults", .members(["api": "*", "answer": .string(word), "times": 1]))
            let answer = await simulator.send("GET", "/cgi-bin/gettoken")
            return (answer.status, answer.text("Content-Type"), answer.body, answer.close)
        }
        #expect(await answer("html").type == "text/html; charset=utf-8")
        let empty = await answer("empty")
        #expect(empty.body.isEmpty && empty.close)
        #expect(JSON(parsing: await answer("invalid_json").body) == nil)
        #expect(JSON(parsing: await answer("wrong_types").body)?["errcode"] == "0")
        #expect(await answer("huge").body.count > 2 << 20)
        #expect(await answer("redirect").status == 302)
        _ = await simulator.control("faults", .members(["api": "*", "status": 502, "times": 1]))
        #expect(await simulator.send("GET", "/cgi-bin/gettoken").status == 502)
    }

    @Test func anOnlySlowAnswerIsStillTheTrueOne() async throws {
        _ = await simulator.control("faults", .members(["api": "gettoken", "delay_ms": 1, "times": 1]))
        #expect(try await simulator.call("gettoken", [("corpid", "ww0123456789abcdef"), ("corpsecret", "simulator-secret")]).errcode == 0)
        #expect(FaultPlan.Fault(api: "*", answer: .genuine, delay: 10_000_000).delay == 60_000)
    }

    @Test func callsAreCountedAndSecretsAreNotKept() async throws {
        let token = try await simulator.token()
        let code = try await simulator.code()
        _ = try await simulator.call("auth/getuserinfo", [("access_token", token), ("code", code)])
        _ = try await simulator.call("user/get", [("access_token", token), ("userid", "chuwai")])
        let response = await simulator.send("GET", "/_simulator/calls")
        let log = try #require(JSON(parsing: response.body))
        #expect(log["counts"] == JSON(parsing: Array("""
            {"gettoken":1,"auth/getuserinfo":1,"user/get":1,"connect/oauth2/authorize":1}
            """.utf8)))
        #expect(log["calls"]?.items?.last?["errcode"] == 60011)
        #expect(log["calls"]?.items?.last?["userid"] == "chuwai")
        for secret in [token, code, "simulator-secret"] { #expect(!response.page.contains(secret)) }
        _ = await simulator.control("clear-calls")
        #expect(await simulator.send("GET", "/_simulator/calls").page.contains("\"counts\":{}"))
    }

    @Test func theLogOfCallsIsBounded() {
        var log = CallLog()
        for _ in 0..<5000 { log.add(.init(api: "gettoken", errcode: 0, time: 0)) }
        #expect(log.calls.count <= CallLog.limit)
        #expect(log.counts["gettoken"] == 5000)
    }

    @Test func theClockCanBePutForward() async throws {
        let token = try await simulator.token()
        _ = await simulator.control("clock", .members(["advance": 7200]))
        #expect(try await simulator.call("tag/list", [("access_token", token)]).errcode == 42001)
        #expect(await simulator.control("clock", .members(["advance": .int(.max)])).status == 400)
    }

    @Test func resetBringsBackTheStart() async throws {
        _ = await simulator.control("member", .members(["userid": "zhangsan", "removed": .bool(true)]))
        _ = await simulator.control("faults", .members(["api": "*", "status": 500]))
        _ = await simulator.control("reset")
        let token = try await simulator.token()
        #expect(try await simulator.call("user/get", [("access_token", token), ("userid", "zhangsan")]).errcode == 0)
    }

    @Test func domainsForAllAppsOutliveAReset() async throws {
        _ = await simulator.control("trusted-domains", .members(["domains": .array(["auth.test:12345"])]))
        _ = await simulator.control("reset")
        #expect(await simulator.authorize().status == 400)
        for (corp, agent) in [("ww0123456789abcdef", "1000002"), ("ww0123456789abcdef", "1000003"), ("wwfedcba9876543210", "1000002")] {
            #expect(await simulator.authorize(["appid": corp, "agentid": agent, "redirect_uri": "https://AUTH.test:12345/cb"]).status == 302)
        }
    }

    @Test func anAppCanBeAdded() async throws {
        #expect(await simulator.control("app", .members(["agentid": 1_000_009])).status == 404)
        #expect(await simulator.control("app", .members(["agentid": 1_000_009, "secret": "third"])).status == 200)
        let token = try await simulator.token(secret: "third")
        #expect(try await simulator.call("user/get", [("access_token", token), ("userid", "chuwai")]).errcode == 0)
    }

    @Test func workersShareOneWorld() async throws {
        let code = try await simulator.code()
        let other = SimulatorResponder(shared: simulator.shared)
        let token = try await simulator.token()
        let answer = await other.respond(to: ownRequest("GET", "/cgi-bin/auth/getuserinfo?access_token=\(token)&code=\(code)"))
        #expect(JSON(parsing: answer.body)?["userid"] == "zhangsan")
        #expect(try await simulator.call("auth/getuserinfo", [("access_token", token), ("code", code)]).errcode == 40029)
    }

    @Test func whatMakesNoSenseIsRefused() async {
        #expect(await simulator.control("nothing").status == 404)
        #expect(await simulator.control("faults", .members(["api": "nothing"])).status == 400)
        #expect(await simulator.control("faults", .members(["api": "*", "answer": "poem"])).status == 400)
        #expect(await simulator.control("member", .members(["userid": "x", "departments": "2"])).status == 400)
        #expect(await simulator.control("app", .members(["corpid": "wwnobody"])).status == 404)
        #expect(await simulator.send("POST", "/_simulator/reset", fields: [("Content-Type", "text/plain")]).status == 415)
        #expect(await simulator.send("POST", "/_simulator/reset", fields: [("Content-Type", "application/json")], body: "[").status == 400)
        #expect(await simulator.send("DELETE", "/_simulator/reset").status == 405)
        #expect(await simulator.send("GET", "/_simulator/nothing").status == 404)
        #expect(await simulator.send("GET", "/cgi-bin/nothing").status == 404)
    }

    @Test func aMemberCanBeMovedOutOfRangeByDepartmentOrByTag() async throws {
        let token = try await simulator.token()
        func get(_ id: String) async throws -> Int? { try await simulator.call("user/get", [("access_token", token), ("userid", id)]).errcode }
        _ = await simulator.control("member", .members(["userid": "lisi", "departments": .array([7])]))
        #expect(try await get("lisi") == 60011)
        _ = await simulator.control("tag", .members(["tagid": 2, "users": .array(["lisi"])]))
        #expect(try await get("lisi") == 0)
        #expect(try await get("liudaibiao") == 60011)
        _ = await simulator.control("department", .members(["id": 7, "parent": 5]))
        #expect(try await get("liudaibiao") == 0)
        _ = await simulator.control("app", .members(["visible": .members(["users": .array(["WANGWU"])])]))
        #expect(try await get("wangwu") == 0)
        #expect(try await get("zhangsan") == 60011)
    }
}
