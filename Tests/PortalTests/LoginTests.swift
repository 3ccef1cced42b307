import Access
import Bytes
import Crypto
import HTTP
import Proxy
import Telemetry
import Testing
import WeCom

@testable import Portal

/// Logs a browser in from a site's page, by WeCom's page with that code; what the last answer was.
@discardableResult
func logIn(_ browser: Browser, to address: String, code: String = "code-zhangsan", connection: String = "corp") async -> (response: OwnResponse, path: [String]) {
    let (page, path) = await browser.follow(await browser.visit(address))
    let start: String
    if path.last?.hasPrefix("https://open.") == true {
        start = path.last ?? ""
    } else {
        let link = page.links.first { $0.hasPrefix("/.menwei/start/\(connection)?") } ?? "none"
        start = await browser.get(Gate.auth.text + link).location ?? "none"
    }
    let state = start.parameter("state") ?? "none"
    return await browser.follow(await browser.get("\(Gate.auth.text)/.menwei/callback/\(connection)?code=\(code)&state=\(state)"))
}

@Suite struct LoginTests {
    @Test func aBrowserOutsideWeComLogsInByThePageAndLandsWhereItWanted() async throws {
        let gate = Gate()
        let browser = Browser(gate)
        let first = await browser.visit("https://wiki.corp.example/a%20b?x=1&y=%2F")
        #expect(first.status == 302)
        #expect(first.field("Cache-Control") == "no-store")
        let login = try #require(first.location)
        #expect(login.hasPrefix("https://auth.corp.example/.menwei/login?return=https%3A%2F%2Fwiki.corp.example%2Fa%2520b%3Fx%3D1%26y%3D%252F&bind="))
        let value = try #require(browser.cookie("__Host-menwei-try", at: Gate.wiki))
        #expect(login.parameter("bind") == Hex.encode(Digest.sha256(value).bytes))
        #expect(first.cookies.count == 1)
        #expect(try #require(first.cookies.first).hasSuffix("; Max-Age=1200; Path=/; Secure; HttpOnly; SameSite=Lax"))

        let page = await browser.get(login)
        #expect(page.status == 200)
        let links = page.links
        #expect(links.contains { $0.hasPrefix("/.menwei/start/corp?") && $0.contains("panel=1") })
        #expect(links.contains { $0.hasPrefix("/.menwei/start/partner?") })

        let end = await logIn(browser, to: "https://wiki.corp.example/a%20b?x=1&y=%2F")
        #expect(end.response.status == 303)
        #expect(end.path.last == "https://wiki.corp.example/a%20b?x=1&y=%2F")
        #expect(browser.cookie("__Host-menwei", at: Gate.wiki)?.utf8.count == 43)
        #expect(browser.cookie("__Host-menwei-auth", at: Gate.auth)?.utf8.count == 43)
        #expect(gate.events.all.map(\.kind) == [.login])
        #expect(gate.events.all.first?.account == "ZhangSan")
    }

    @Test func sessionCookiesOutliveTheSessionByAnHour() async throws {
        let gate = Gate()
        let browser = Browser(gate)
        let page = await browser.follow(await browser.visit("https://wiki.corp.example/"))
        let start = await browser.get(Gate.auth.text + (page.response.links.first { $0.hasPrefix("/.menwei/start/corp") } ?? ""))
        let state = try #require(start.location?.parameter("state"))
        let back = await browser.get("\(Gate.auth.text)/.menwei/callback/corp?code=code-zhangsan&state=\(state)")
        #expect(back.status == 302)
        let cookie = try #require(back.cookies.first)
        #expect(cookie.hasPrefix("__Host-menwei-auth="))
        #expect(cookie.hasSuffix("; Max-Age=\(7 * 86400 + 3600); Path=/; Secure; HttpOnly; SameSite=Lax"))
        let finish = await browser.get(try #require(back.location))
        #expect(finish.status == 303)
        #expect(try #require(finish.cookies.first).hasPrefix("__Host-menwei="))
    }

    @Test func insideWeComTheLoginShowsNothing() async throws {
        let gate = Gate()
        let browser = Browser(gate, agent: Browser.weCom)
        let (response, path) = await browser.follow(await browser.visit("https://wiki.corp.example/deep?q=1"))
        #expect(response.status == 302)
        let authorize = try #require(path.last)
        #expect(authorize.hasPrefix("https://open.weixin.qq.com/connect/oauth2/authorize?appid=ww0123456789abcdef&"))
        #expect(authorize.hasSuffix("#wechat_redirect"))
        #expect(authorize.parameter("redirect_uri") == "https://auth.corp.example/.menwei/callback/corp")
        let end = await logIn(browser, to: "https://wiki.corp.example/deep?q=1")
        #expect(end.path.last == "https://wiki.corp.example/deep?q=1")
    }

    @Test func aProgramInsideWeComThatAsksForNoPageIsRedirected() async throws {
        let browser = Browser(Gate(), agent: "curl/8 wxwork")
        let login = try #require(await browser.visit("https://wiki.corp.example/").location)
        let answer = await browser.get(login, accept: "*/*")
        #expect(answer.status == 302)
        #expect(answer.location?.hasPrefix("https://auth.corp.example/.menwei/start/corp?") == true)
    }

    @Test func theWayBackCutsOffTheFragmentOfWeComsPage() async throws {
        let browser = Browser(Gate(), agent: Browser.weCom)
        let (_, path) = await browser.follow(await browser.visit("https://wiki.corp.example/"))
        let state = try #require(path.last?.parameter("state"))
        let back = await browser.get("\(Gate.auth.text)/.menwei/callback/corp?code=code-zhangsan&state=\(state)")
        #expect(back.location?.hasSuffix("#") == true)
    }

    @Test func aFragmentIsKeptWithTheStateAndPutBack() async throws {
        let browser = Browser(Gate())
        let page = await browser.follow(await browser.visit("https://wiki.corp.example/app"))
        let link = try #require(page.response.links.first { $0.hasPrefix("/.menwei/start/corp") })
        let start = await browser.get(Gate.auth.text + link + "&fragment=%2Froute%3Fx%3D%25E4")
        let state = try #require(start.location?.parameter("state"))
        let back = await browser.get("\(Gate.auth.text)/.menwei/callback/corp?code=code-zhangsan&state=\(state)")
        #expect(back.location?.hasSuffix("#/route?x=%E4") == true)
    }

    @Test func whoHasASessionEntersTheNextSiteWithRedirectsOnly() async throws {
        let gate = Gate()
        let browser = Browser(gate)
        await logIn(browser, to: "https://wiki.corp.example/")
        let (response, path) = await browser.follow(await browser.visit("https://crm.corp.example:8443/admin/x"))
        #expect(response.status == 303)
        #expect(path.count == 3)
        #expect(path.last == "https://crm.corp.example:8443/admin/x")
        let sessions = try await gate.store.list(account: nil, now: gate.clock.now)
        #expect(sessions.count == 1)
        #expect(Set(sessions[0].hosts) == ["wiki.corp.example", "crm.corp.example"])
    }

    @Test func withoutABindTheWayBackLeadsOverTheSitesOwnLogin() async throws {
        let gate = Gate()
        let browser = Browser(gate)
        let page = await browser.get("https://auth.corp.example/.menwei/login?return=https%3A%2F%2Fwiki.corp.example%2Fp")
        #expect(page.status == 200)
        let link = try #require(page.links.first { $0.hasPrefix("/.menwei/start/corp") })
        let state = try #require(await browser.get(Gate.auth.text + link).location?.parameter("state"))
        let (response, path) = await browser.follow(
            await browser.get("\(Gate.auth.text)/.menwei/callback/corp?code=code-zhangsan&state=\(state)"))
        #expect(response.status == 303)
        #expect(path.first == "https://wiki.corp.example/.menwei/login?return=https%3A%2F%2Fwiki.corp.example%2Fp")
        #expect(path.last == "https://wiki.corp.example/p")
    }

    @Test func returningToTheAuthOriginItselfNeedsNoTicket() async throws {
        let browser = Browser(Gate())
        let page = await browser.get("https://auth.corp.example/.menwei/login")
        let link = try #require(page.links.first { $0.hasPrefix("/.menwei/start/corp") })
        let state = try #require(await browser.get(Gate.auth.text + link).location?.parameter("state"))
        let back = await browser.get("\(Gate.auth.text)/.menwei/callback/corp?code=code-zhangsan&state=\(state)")
        #expect(back.location == "https://auth.corp.example/")
        let home = await browser.get("https://auth.corp.example/")
        #expect(home.status == 200)
        #expect(home.text.contains("张三"))
    }

    @Test func anAuthOriginThatIsASiteToo() async throws {
        let gate = Gate { $0.sites.append(.init(id: "both", origin: Gate.auth)) }
        let browser = Browser(gate)
        let end = await logIn(browser, to: "https://auth.corp.example/page")
        #expect(end.path.last == "https://auth.corp.example/page")
        #expect(browser.cookie("__Host-menwei", at: Gate.auth) != nil)
        #expect(browser.cookie("__Host-menwei-auth", at: Gate.auth) != nil)
        let next = await browser.follow(await browser.visit("https://wiki.corp.example/"))
        #expect(next.path.last == "https://wiki.corp.example/")
    }

    @Test func anAccountOfAnotherConnectionCarriesItsName() async throws {
        let gate = Gate()
        await logIn(Browser(gate), to: "https://wiki.corp.example/", code: "code-wangwu", connection: "partner")
        #expect(gate.events.all.first?.account == "partner/wangwu")
    }

    @Test func anotherPersonsLoginEndsTheSessionBefore() async throws {
        let gate = Gate()
        let browser = Browser(gate)
        await logIn(browser, to: "https://wiki.corp.example/")
        let old = browser.cookie("__Host-menwei-auth", at: Gate.auth)
        let start = await browser.get("\(Gate.auth.text)/.menwei/start/corp?return=https%3A%2F%2Fwiki.corp.example%2F")
        let state = try #require(start.location?.parameter("state"))
        _ = await browser.follow(await browser.get("\(Gate.auth.text)/.menwei/callback/corp?code=code-lisi&state=\(state)"))
        #expect(browser.cookie("__Host-menwei-auth", at: Gate.auth) != old)
        let sessions = try await gate.store.list(account: nil, now: gate.clock.now)
        #expect(sessions.map(\.member.user) == ["lisi"])
    }

    @Test func anOlderLoginThanMaxAgeCountsAsNone() async throws {
        let gate = Gate()
        let browser = Browser(gate)
        await logIn(browser, to: "https://wiki.corp.example/")
        gate.clock.advance(.seconds(600))
        let young = await browser.get("https://auth.corp.example/.menwei/login?return=https%3A%2F%2Fwiki.corp.example%2F&max_age=900")
        #expect(young.status == 302)
        let old = await browser.get("https://auth.corp.example/.menwei/login?return=https%3A%2F%2Fwiki.corp.example%2F&max_age=300")
        #expect(old.status == 200)
        let site = await browser.get("https://wiki.corp.example/.menwei/login?return=%2F&max_age=300")
        #expect(site.location?.parameter("max_age") == "300")
    }

    @Test func straightToTheOnlyConnectionWhereConfigured() async throws {
        let gate = Gate { $0.loginPage = .redirect; $0.connections.removeLast() }
        let (_, path) = await Browser(gate).follow(await Browser(gate).visit("https://wiki.corp.example/"))
        #expect(path.last?.hasPrefix("https://login.work.weixin.qq.com/wwlogin/sso/login?login_type=CorpApp&") == true)
    }

    @Test func onAPhoneThePageFirstSaysToOpenTheAddressInWeCom() async throws {
        let browser = Browser(Gate(), agent: Browser.phone)
        let (page, _) = await browser.follow(await browser.visit("https://wiki.corp.example/doc?id=5&x=<b>"))
        #expect(page.text.contains("请在企业微信中打开"))
        #expect(page.text.contains("data-copy=\"address\""))
        #expect(!page.text.contains("<iframe"))
    }

    @Test func inAFrameThereIsOneButtonForTheTopWindow() async throws {
        let browser = Browser(Gate())
        let login = try #require(await browser.visit("https://wiki.corp.example/x", [("Sec-Fetch-Dest", "iframe"), ("Sec-Fetch-Mode", "navigate")]).location)
        let page = await browser.get(login, [("Sec-Fetch-Dest", "iframe"), ("Sec-Fetch-Mode", "navigate")])
        #expect(page.text.contains("target=\"_top\""))
        #expect(!page.text.contains("<iframe"))
        let policy = try #require(page.field("Content-Security-Policy"))
        #expect(policy.contains("frame-ancestors 'self' https://auth.corp.example https://crm.corp.example:8443 https://wiki.corp.example;"))
        #expect(page.field("X-Frame-Options") == nil)
    }

    @Test func thePanelsFrameMayShowWeComsPageAndNothingMayFrameOurs() async throws {
        let browser = Browser(Gate())
        let (page, _) = await browser.follow(await browser.visit("https://wiki.corp.example/"))
        let policy = try #require(page.field("Content-Security-Policy"))
        #expect(policy.contains("frame-src 'self' https://login.work.weixin.qq.com;"))
        #expect(policy.contains("frame-ancestors 'none'"))
        #expect(policy.contains("default-src 'none'; style-src 'self'; script-src 'self';"))
        #expect(!policy.contains("unsafe"))
        let panel = try #require(page.links.first { $0.contains("panel=1") })
        let start = await browser.get(Gate.auth.text + panel, [("Sec-Fetch-Dest", "iframe")])
        #expect(start.status == 302)
        #expect(start.location?.parameter("redirect_type") == "top")
        #expect(start.location?.parameter("panel_size") == "middle")
        #expect(start.field("Referrer-Policy") == "origin")
        #expect(page.text.contains("referrerpolicy=\"origin\""))
        #expect(page.text.contains("allow=\"local-network-access\""))
    }

    @Test func theWayCanBeChosenByHand() async throws {
        let gate = Gate()
        let web = await Browser(gate, agent: Browser.weCom).get("\(Gate.auth.text)/.menwei/start/corp?return=x&via=web")
        #expect(web.location?.hasPrefix("https://login.work.weixin.qq.com/") == true)
        #expect(web.location?.parameter("redirect_type") == nil)
        let app = await Browser(gate).get("\(Gate.auth.text)/.menwei/start/corp?return=x&via=app")
        #expect(app.location?.hasPrefix("https://open.weixin.qq.com/") == true)
        let state = try #require(app.location?.parameter("state"))
        #expect(state.utf8.count == 32 && state.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    }
}
