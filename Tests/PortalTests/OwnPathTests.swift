import Access
import Bytes
import HTTP
import Proxy
import Telemetry
import Testing
import WeCom

@testable import Portal

@Suite struct OwnPathTests {
    let gate = Gate()

    @Test func meTellsWhoOneIs() async throws {
        let browser = Browser(gate)
        await logIn(browser, to: "https://wiki.corp.example/")
        let sid = try #require(try await gate.store.list(account: nil, now: gate.clock.now).first?.sid)
        for origin in [Gate.wiki, Gate.auth] {
            let answer = await browser.get("\(origin.text)/.menwei/me", accept: "*/*")
            #expect(answer.status == 200)
            #expect(answer.field("Content-Type") == "application/json")
            #expect(answer.field("Cache-Control") == "no-store")
            #expect(answer.field("Access-Control-Allow-Origin") == nil)
            #expect(answer.text == #"{"sub":"ZhangSan","connection":"corp","corp":"ww0123456789abcdef","user":"ZhangSan","name":"张三","email":"","#
                + #""departments":[],"tags":[],"truncated":false,"sid":"\#(sid)","amr":["wecom"],"auth_time":1767325445,"expires":"2026-01-09T03:44:05Z"}"#)
        }
    }

    @Test func meWithoutASessionIsAProblem() async {
        let answer = await Browser(gate).get("https://wiki.corp.example/.menwei/me")
        #expect(answer.status == 401)
        #expect(answer.field("Content-Type") == "application/problem+json")
        #expect(answer.text.contains(#""type":"urn:menwei:login-required""#))
        #expect(answer.cookies.isEmpty)
    }

    @Test func theKeysMayBeKeptForFiveMinutes() async {
        for origin in [Gate.wiki, Gate.auth, Gate.crm] {
            let answer = await Browser(gate).get("\(origin.text)/.menwei/jwks.json", accept: "*/*")
            #expect(answer.status == 200)
            #expect(answer.field("Cache-Control") == "public, max-age=300")
            #expect(answer.text == #"{"keys":[]}"#)
        }
    }

    @Test func homeLogsInWhereNeededAndLeadsToTheSite() async throws {
        let browser = Browser(gate)
        let first = await browser.get("https://wiki.corp.example/.menwei/home")
        #expect(first.location?.parameter("return") == "https://wiki.corp.example/.menwei/home")
        let end = await logIn(browser, to: "https://wiki.corp.example/.menwei/home")
        #expect(end.path.last == "https://wiki.corp.example/")
        #expect(await Browser(gate).get("https://auth.corp.example/.menwei/home").status == 404)
    }

    @Test func assetsCarryAHashAndNeverChange() async throws {
        let page = await Browser(gate).get("https://auth.corp.example/.menwei/login")
        let assets = page.links.filter { $0.hasPrefix("/.menwei/assets/") }
        #expect(Set(assets).count == 3)
        for asset in assets {
            for origin in [Gate.auth, Gate.crm] {
                let answer = await Browser(gate).get(origin.text + asset, accept: "*/*")
                #expect(answer.status == 200)
                #expect(answer.field("Cache-Control") == "public, max-age=31536000, immutable")
                #expect(!answer.body.isEmpty)
            }
        }
        #expect(await Browser(gate).get("https://auth.corp.example/.menwei/assets/menwei.0000000000000000.css").status == 404)
    }

    @Test func ownershipFilesHoldTheSixteenCharacters() async {
        for origin in [Gate.wiki, Gate.auth] {
            let answer = await Browser(gate).get("\(origin.text)/WW_verify_YpAqDE4xoAPsmGSK.txt", accept: "*/*")
            #expect(answer.text == "YpAqDE4xoAPsmGSK")
            #expect(answer.field("Content-Type") == "text/plain")
        }
        #expect(await Browser(gate).get("https://auth.corp.example/WW_verify_0123456789abcdef.txt").status == 404)
    }

    @Test(arguments: [
        "scan", "bind", "events/corp", "jssdk", "admin/", "forward-auth", "", "nothing", "start/", "start/nobody", "start/corp/x",
        "callback/nobody", "assets/", "assets/../me", "LOGIN", "login/",
    ])
    func unknownOwnPathsAre404(_ path: String) async {
        #expect(await Browser(gate).get("https://auth.corp.example/.menwei/\(path)").status == 404)
    }

    @Test func pathsOfTheAuthOriginAreNowhereElse() async {
        for path in ["start/corp", "callback/corp", "sessions", "scan"] {
            #expect(await Browser(gate).get("https://wiki.corp.example/.menwei/\(path)").status == 404)
        }
        #expect(await Browser(gate).get("https://auth.corp.example/.menwei/finish?ticket=x").status == 404)
        #expect(await Browser(gate).get("https://auth.corp.example/.menwei").status == 404)
    }

    @Test(arguments: ["login", "me", "jwks.json", "start/corp", "callback/corp"])
    func aWrongMethodIs405(_ path: String) async {
        let answer = await Browser(gate).get("https://auth.corp.example/.menwei/\(path)", method: "POST")
        #expect(answer.status == 405)
        #expect(answer.field("Allow")?.hasPrefix("GET") == true)
    }

    @Test func whatIsSpentByAnAnswerHasNoHEAD() async {
        #expect(await Browser(gate).get("https://auth.corp.example/.menwei/callback/corp", method: "HEAD").status == 405)
        #expect(await Browser(gate).get("https://wiki.corp.example/.menwei/finish", method: "HEAD").status == 405)
        #expect(await Browser(gate).get("https://wiki.corp.example/.menwei/login", method: "HEAD").status == 302)
    }

    @Test func logoutAsksAndThenEndsTheSessionEverywhere() async throws {
        let browser = Browser(gate)
        await logIn(browser, to: "https://wiki.corp.example/")
        let ask = await browser.get("https://wiki.corp.example/.menwei/logout")
        #expect(ask.status == 200)
        #expect(ask.text.contains("method=\"post\""))
        #expect(try await gate.store.count(now: gate.clock.now) == 1)

        let done = await browser.get("https://wiki.corp.example/.menwei/logout?done=1", method: "POST", [("Origin", "https://wiki.corp.example")])
        #expect(done.status == 303)
        #expect(done.cookies == ["__Host-menwei=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax"])
        #expect(try await gate.store.count(now: gate.clock.now) == 0)
        #expect(gate.events.all.last?.kind == .logout)
        let after = await browser.get(try #require(done.location))
        #expect(after.status == 200)
        #expect(after.refresh == nil)
        #expect(!after.text.contains("data-hop"))
        // The session is over at the auth origin as well, whose cookie this browser still has.
        #expect(await browser.get("https://auth.corp.example/.menwei/me").status == 401)
    }

    @Test(arguments: [[("Origin", "https://evil.test")], [("Origin", "null")], [], [("Sec-Fetch-Site", "same-site")], [("Origin", "https://auth.corp.example")]])
    func logoutIsNotForOtherOrigins(_ fields: [(String, String)]) async throws {
        let browser = Browser(gate)
        await logIn(browser, to: "https://wiki.corp.example/")
        let answer = await browser.get("https://wiki.corp.example/.menwei/logout", method: "POST", fields)
        #expect(answer.status == 403)
        #expect(try await gate.store.count(now: gate.clock.now) == 1)
    }

    @Test func logoutAtTheAuthOrigin() async throws {
        let browser = Browser(gate)
        await logIn(browser, to: "https://wiki.corp.example/")
        _ = await browser.get("https://auth.corp.example/.menwei/logout", method: "POST", [("Sec-Fetch-Site", "same-origin")])
        #expect(browser.cookie("__Host-menwei-auth", at: Gate.auth) == nil)
        #expect(await browser.get("https://wiki.corp.example/.menwei/me").status == 401)
    }
}
