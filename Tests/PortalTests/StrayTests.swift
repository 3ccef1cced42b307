import Access
import Bytes
import Crypto
import HTTP
import Proxy
import Synchronization
import Testing
import WeCom

@testable import Portal

/// Callbacks and tickets that do not fit: they log nobody in, and never lead round in circles.
@Suite struct StrayTests {
    let gate = Gate()

    private func isLoggedIn(_ browser: Browser) -> Bool {
        browser.cookie("__Host-menwei-auth", at: Gate.auth) != nil || browser.cookie("__Host-menwei", at: Gate.wiki) != nil
    }

    private func freshState(_ browser: Browser, return address: String = "https://wiki.corp.example/p") async throws -> String {
        let start = await browser.get("\(Gate.auth.text)/.menwei/start/corp?return=\(Percent.encodeQueryValue(address))")
        return try #require(start.location?.parameter("state"))
    }

    private func callback(_ query: String) -> String { "\(Gate.auth.text)/.menwei/callback/corp?\(query)" }

    @Test(arguments: [
        "code=code-zhangsan", "", "code=code-zhangsan&state=", "code=code-zhangsan&state=0123456789abcdef0123456789abcdef",
        "code=code-zhangsan&state=ffffffffffffffffffffffffffffffff", "code=code-zhangsan&state=%00", "state=0123456789abcdef0123456789abcdef",
    ])
    func anUnknownStateStartsAgain(_ query: String) async {
        let browser = Browser(gate)
        let answer = await browser.get(callback(query))
        #expect(answer.status == 302)
        #expect(answer.location == "https://auth.corp.example/.menwei/login?return=https%3A%2F%2Fauth.corp.example%2F&try=1")
        #expect(answer.cookies.isEmpty)
        #expect(gate.provider.answers.withLock { $0.asked }.isEmpty)
    }

    @Test func twoStatesOrTwoCodesAreMalformed() async throws {
        let browser = Browser(gate)
        let state = try await freshState(browser)
        #expect(await browser.get(callback("code=a&code=b&state=\(state)")).status == 400)
        #expect(await browser.get(callback("code=code-zhangsan&state=\(state)&state=\(state)")).status == 400)
        #expect(!isLoggedIn(browser))
    }

    @Test func aFlippedBitIsAnotherState() async throws {
        let browser = Browser(gate)
        var state = try await freshState(browser)
        state = String(state.dropLast()) + (state.hasSuffix("0") ? "1" : "0")
        #expect(await browser.get(callback("code=code-zhangsan&state=\(state)")).status == 302)
        #expect(!isLoggedIn(browser))
    }

    @Test func anotherBrowsersStateLogsNobodyInAndStaysGoodForItsOwn() async throws {
        let attacker = Browser(gate), victim = Browser(gate)
        let state = try await freshState(attacker)
        _ = await victim.visit("https://wiki.corp.example/")
        _ = try await freshState(victim)
        let answer = await victim.get(callback("code=code-lisi&state=\(state)"))
        // The return address of the state still lives, so the login that starts again keeps it.
        #expect(answer.location?.parameter("return") == "https://wiki.corp.example/p")
        #expect(answer.location?.parameter("try") == "1")
        #expect(!isLoggedIn(victim))
        #expect(gate.provider.answers.withLock { $0.asked }.isEmpty)
        _ = await attacker.get(callback("code=code-lisi&state=\(state)"))
        #expect(isLoggedIn(attacker))
    }

    @Test func aStateOfAnotherConnectionDoesNotFit() async throws {
        let browser = Browser(gate)
        let state = try await freshState(browser)
        _ = await browser.get("\(Gate.auth.text)/.menwei/callback/partner?code=code-wangwu&state=\(state)")
        #expect(!isLoggedIn(browser))
    }

    @Test func aStateIsGoodOnceAndForFifteenMinutes() async throws {
        let browser = Browser(gate)
        let spent = try await freshState(browser)
        _ = await browser.get(callback("code=code-zhangsan&state=\(spent)"))
        let first = browser.cookie("__Host-menwei-auth", at: Gate.auth)
        let again = await browser.get(callback("code=code-lisi&state=\(spent)"))
        #expect(again.cookies.isEmpty)
        #expect(browser.cookie("__Host-menwei-auth", at: Gate.auth) == first)

        let other = Browser(gate)
        let late = try await freshState(other)
        gate.clock.advance(.seconds(15 * 60))
        _ = await other.get(callback("code=code-zhangsan&state=\(late)"))
        #expect(!isLoggedIn(other))
    }

    @Test func whoComesBackTooLateNeedNotLookForThePageAgain() async throws {
        let browser = Browser(gate)
        let late = try await freshState(browser, return: "https://wiki.corp.example/deep?a=1")
        gate.clock.advance(.seconds(59 * 60))
        let answer = await browser.get(callback("code=code-zhangsan&state=\(late)"))
        #expect(answer.location?.parameter("return") == "https://wiki.corp.example/deep?a=1")
        #expect(!isLoggedIn(browser))
        gate.clock.advance(.seconds(60))
        #expect(await browser.get(callback("code=code-zhangsan&state=\(late)")).location?.parameter("return") == "https://auth.corp.example/")
    }

    @Test func fragmentsOutliveALoginThatBeginsAgain() async throws {
        let browser = Browser(gate), other = Browser(gate)
        let address = "\(Gate.auth.text)/.menwei/start/corp?return=https%3A%2F%2Fwiki.corp.example%2Fp&fragment=%2Fnot-this&fragment=%2Froute%3Fx%3D1"
        let state = try #require(await browser.get(address).location?.parameter("state"))
        // In another browser it begins again, and the page there hands the fragment on.
        let again = try #require(await other.get(callback("code=code-zhangsan&state=\(state)")).location)
        #expect(again.hasSuffix("#/route?x=1") && again.parameter("fragment") == "/route?x=1")
        let page = await other.get(again)
        #expect(page.links.contains { $0.hasPrefix("/.menwei/start/corp?") && $0.parameter("fragment") == "/route?x=1" })
        // In its own it leads on, spent as it may be.
        let done = await browser.get(callback("code=code-zhangsan&state=\(state)"))
        #expect(done.location?.hasSuffix("#/route?x=1") == true)
        #expect(await browser.get(callback("code=code-zhangsan&state=\(state)")).location == "https://wiki.corp.example/p#/route?x=1")
    }

    @Test func aLiveSessionLeadsOnWithTheFragmentThatIsRemembered() async throws {
        let browser = Browser(gate)
        await logIn(browser, to: "https://crm.corp.example:8443/")
        let login = "\(Gate.auth.text)/.menwei/login?return=https%3A%2F%2Fwiki.corp.example%2Fp&fragment=part"
        let site = try #require(await browser.get(login).location)
        #expect(site.hasPrefix("https://wiki.corp.example/.menwei/login?") && site.hasSuffix("#part"))
    }

    @Test func ofTheCausesThatOneIsNamedWhichCanBeSeen() async throws {
        let browser = Browser(gate)
        _ = await browser.visit("https://wiki.corp.example/")
        let kept = await browser.get("https://wiki.corp.example/.menwei/finish?ticket=x&try=2")
        #expect(kept.status == 400 && !kept.text.contains("Cookie") && kept.text.contains("data-clock="))
        let none = await Browser(gate).get("https://wiki.corp.example/.menwei/finish?ticket=x&try=2")
        #expect(none.status == 400 && none.text.contains("阻止了 Cookie"))
    }

    @Test func theCallbackFromHistoryGoesOnWithALiveSession() async throws {
        let browser = Browser(gate)
        let state = try await freshState(browser)
        _ = await browser.follow(await browser.get(callback("code=code-zhangsan&state=\(state)")))
        let again = await browser.get(callback("code=code-zhangsan&state=\(state)"))
        #expect(again.status == 302)
        #expect(again.location == "https://wiki.corp.example/p")
    }

    @Test(arguments: [Browser.weCom, Browser.chrome])
    func aBrowserThatKeepsNoCookiesIsToldSoAfterTwoMoreTries(_ agent: String) async throws {
        let browser = Browser(gate, agent: agent)
        browser.keepsCookies = false
        var logins = 0
        var answer = await browser.visit("https://wiki.corp.example/")
        while logins < 10 {
            let (page, path) = await browser.follow(answer)
            var start = path.last ?? ""
            if !start.hasPrefix("https://open.") {
                guard let link = page.links.first(where: { $0.hasPrefix("/.menwei/start/corp?") }) else {
                    answer = page
                    break
                }
                start = await browser.get(Gate.auth.text + link).location ?? ""
            }
            logins += 1
            answer = await browser.get(callback("code=code-zhangsan&state=\(start.parameter("state") ?? "")"))
        }
        #expect(logins == 3)
        #expect(answer.status == 400)
        #expect(answer.text.contains("Cookie"))
        #expect(try await gate.store.count(now: gate.clock.now) == 0)
    }

    @Test func statesThatAreAlwaysForgottenEndInThePageToo() async throws {
        let browser = Browser(gate, agent: Browser.weCom)
        var answer = await browser.visit("https://wiki.corp.example/"), logins = 0
        while logins < 10 {
            let (page, path) = await browser.follow(answer)
            guard let state = path.last?.parameter("state") else {
                answer = page
                break
            }
            logins += 1
            gate.clock.advance(.seconds(16 * 60))
            answer = await browser.get(callback("code=code-zhangsan&state=\(state)"))
        }
        #expect(logins == 3)
        #expect(answer.status == 400)
    }

    @Test func twentyTabsFinishInAnyOrder() async throws {
        let browser = Browser(gate)
        var states: [(Int, String)] = []
        for tab in 0..<20 {
            let (page, _) = await browser.follow(await browser.visit("https://wiki.corp.example/tab/\(tab)"))
            let link = try #require(page.links.first { $0.hasPrefix("/.menwei/start/corp?") })
            states.append((tab, try #require(await browser.get(Gate.auth.text + link).location?.parameter("state"))))
        }
        for (tab, state) in states.dropFirst(5).reversed() {
            let (response, path) = await browser.follow(await browser.get(callback("code=code-zhangsan&state=\(state)")))
            #expect(response.status == 303)
            #expect(path.last == "https://wiki.corp.example/tab/\(tab)")
        }
        #expect(browser.jar[Gate.auth.host]?.count == 2)
        #expect(browser.jar[Gate.wiki.host]?.count == 2)
        #expect(try await gate.store.count(now: gate.clock.now) == 1)
    }

    // MARK: tickets

    /// A ticket of that browser for the wiki's `/p`, not yet redeemed.
    private func ticket(_ browser: Browser) async throws -> String {
        await logIn(browser, to: "https://crm.corp.example:8443/")
        let login = try #require(await browser.visit("https://wiki.corp.example/p").location)
        return try #require(await browser.get(login).location)
    }

    @Test func aTicketIsGoodOnce() async throws {
        let browser = Browser(gate)
        let address = try await ticket(browser)
        #expect(await browser.get(address).cookies.count == 1)
        let again = await browser.get(address)
        #expect(again.status == 303)
        #expect(again.location == "https://wiki.corp.example/p")
        #expect(again.cookies.isEmpty)
    }

    @Test func aTicketIsGoodForOneMinute() async throws {
        let browser = Browser(gate)
        let address = try await ticket(browser)
        gate.clock.advance(.seconds(60))
        let late = await browser.get(address)
        #expect(late.status == 302)
        #expect(late.location == "https://wiki.corp.example/.menwei/login?return=https%3A%2F%2Fwiki.corp.example%2Fp&try=1")
    }

    @Test func anotherBrowsersTicketLogsNobodyIn() async throws {
        let address = try await ticket(Browser(gate))
        let victim = Browser(gate)
        _ = await victim.visit("https://wiki.corp.example/")
        _ = await victim.get(address)
        #expect(!isLoggedIn(victim))
    }

    @Test func aTicketIsForItsHostAndItsReturnAddressOnly() async throws {
        let browser = Browser(gate)
        let address = try await ticket(browser)
        browser.set("__Host-menwei", nil, at: Gate.crm)
        browser.set("__Host-menwei-try", browser.cookie("__Host-menwei-try", at: Gate.wiki), at: Gate.crm)
        _ = await browser.get(address.replacingAll("https://wiki.corp.example/.menwei", "https://crm.corp.example:8443/.menwei"))
        #expect(browser.cookie("__Host-menwei", at: Gate.crm) == nil)

        let second = Browser(gate)
        let other = try await ticket(second)
        _ = await second.get(other.replacingAll("%2Fp", "%2Fother"))
        #expect(second.cookie("__Host-menwei", at: Gate.wiki) == nil)
    }

    @Test func aTicketOfASessionThatEndedOpensNothing() async throws {
        let browser = Browser(gate)
        let address = try await ticket(browser)
        try await gate.store.end(.all, now: gate.clock.now)
        #expect(await browser.get(address).cookies.isEmpty)
    }

    @Test func aSiteThatNeverGetsItsCookieBackEndsInThePage() async throws {
        let browser = Browser(gate)
        await logIn(browser, to: "https://crm.corp.example:8443/")
        browser.keepsCookies = false
        let (response, path) = await browser.follow(await browser.visit("https://wiki.corp.example/"))
        #expect(response.status == 400)
        #expect(path.count < 12)
        #expect(browser.cookie("__Host-menwei", at: Gate.wiki) == nil)
    }

    @Test func aPlantedCookieIsReplacedAtLogin() async throws {
        let browser = Browser(gate)
        let planted = String(repeating: "A", count: 43)
        for origin in [Gate.auth, Gate.wiki] {
            browser.set("__Host-menwei", planted, at: origin)
            browser.set("__Host-menwei-auth", planted, at: origin)
        }
        await logIn(browser, to: "https://wiki.corp.example/")
        #expect(browser.cookie("__Host-menwei", at: Gate.wiki) != planted)
        #expect(browser.cookie("__Host-menwei-auth", at: Gate.auth) != planted)
        #expect(try await gate.store.lookup(Digest.sha256(planted), at: .auth, now: gate.clock.now) == .unknown)
    }

    @Test(arguments: ["", "x", "%00", String(repeating: "A", count: 43), String(repeating: "A", count: 100_000), "a=b", "\u{1}"])
    func aGarbageCookieIsNobody(_ value: String) async {
        let browser = Browser(gate)
        browser.set("__Host-menwei-auth", value, at: Gate.auth)
        browser.set("__Host-menwei-try", value, at: Gate.auth)
        #expect(await browser.get("https://auth.corp.example/.menwei/me").status == 401)
        #expect(await browser.get("https://auth.corp.example/.menwei/login?return=https%3A%2F%2Fwiki.corp.example%2F").status == 200)
    }

    @Test(arguments: [
        "/\\evil.test", "/%09/evil.test", "//evil.test", "/..//evil.test", "https:evil.test", "https://wiki.corp.example@evil.test",
        "https://wiki.corp.example.evil.test", "https://evil.test#wiki.corp.example", "javascript:alert(1)", "/〵evil.test",
        "http://wiki.corp.example/", "https://wiki.corp.example:444/", "https://wiki.corp.example/.menwei/logout", "https://evil.test/", "",
        "https://wiki.corp.example/a b", "https://wiki.corp.example/\r\nSet-Cookie: a=b",
    ])
    func aReturnAddressElsewhereBecomesTheRoot(_ address: String) async throws {
        let browser = Browser(gate)
        let encoded = Percent.encodeQueryValue(address)
        let site = try #require(await browser.get("https://wiki.corp.example/.menwei/login?return=\(encoded)").location)
        let target = try #require(site.parameter("return"))
        // `/%09/evil.test` is a path of the site, nothing more.
        #expect(target == "https://wiki.corp.example/" || target == "https://wiki.corp.example" + address && address.hasPrefix("/%09/"))
        let page = await browser.get("https://auth.corp.example/.menwei/login?return=\(encoded)")
        let link = try #require(page.links.first { $0.hasPrefix("/.menwei/start/corp?") })
        #expect(link.parameter("return") == "https://auth.corp.example/")
        let out = await browser.get("https://wiki.corp.example/.menwei/logout?return=\(encoded)")
        #expect(out.links.allSatisfy { !$0.contains("evil") || $0.contains("%2F%2509%2Fevil") })
    }
}
