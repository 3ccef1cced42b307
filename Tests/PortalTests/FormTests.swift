import Access
import Bytes
import Crypto
import HTTP
import Proxy
import Testing

@testable import Portal

/// Forms that are kept for a login.
@Suite struct FormTests {
    let gate = Gate()
    static let save = "https://wiki.corp.example/save?draft=1"

    /// A browser whose session is over, and which still shows the cookie.
    private func late(_ code: String = "code-zhangsan") async throws -> Browser {
        let browser = Browser(gate)
        await logIn(browser, to: "https://wiki.corp.example/", code: code)
        try await gate.store.end(.all, now: gate.clock.now)
        return browser
    }

    private func post(_ browser: Browser, _ body: [UInt8] = Array("a=1".utf8), to address: String = save, type: String = "text/plain; charset=x") async -> OwnRequest {
        var (_, request) = await browser.request(address, method: "POST", [
            ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Site", "same-origin"), ("Content-Type", type), ("Referer", "https://wiki.corp.example/edit"),
        ])
        request.body = body
        return request
    }

    /// Keeps it, and gives the key.
    private func keep(_ browser: Browser, _ body: [UInt8] = Array("a=1".utf8)) async throws -> String {
        let request = await post(browser, body)
        let owner = try #require(try await gate.portal.owner(of: request))
        let answer = try await gate.portal.keep(request, of: owner)
        #expect(answer.status == 303)
        return try #require(answer.location?.parameter("form"))
    }

    @Test func aFormIsItsMembersWhoseSessionEndedWithinTheHour() async throws {
        let browser = try await late()
        #expect(try await gate.portal.owner(of: await post(browser))?.user == "ZhangSan")
        gate.clock.advance(.seconds(3600))
        #expect(try await gate.portal.owner(of: await post(browser)) == nil)
        #expect(try await gate.portal.owner(of: await post(Browser(gate))) == nil)
    }

    @Test func theWayToTheLoginComesBackToThePageOfTheForm() async throws {
        let browser = try await late()
        let request = await post(browser)
        let answer = try await gate.portal.keep(request, of: try #require(try await gate.portal.owner(of: request)))
        #expect(answer.location?.hasPrefix("https://auth.corp.example/.menwei/login?return=https%3A%2F%2Fwiki.corp.example%2Fedit&bind=") == true)
        #expect(answer.cookies.count == 1 && answer.cookies[0].hasPrefix("__Host-menwei-try=\(browser.cookie("__Host-menwei-try", at: Gate.wiki) ?? "");"))
    }

    @Test func itIsGivenBackOnceAsItWas() async throws {
        let browser = try await late()
        let body: [UInt8] = [0, 255, 13, 10, 61]
        let key = try await keep(browser, body)
        await logIn(browser, to: "https://wiki.corp.example/")
        let form = try await gate.portal.takeBack(key, for: await post(browser))
        #expect(form == KeptForm(contentType: "text/plain; charset=x", referer: "https://wiki.corp.example/edit", body: body))
        #expect(try await gate.portal.takeBack(key, for: await post(browser)) == nil)
        // Nothing of it reached the application: it is there again.
        await gate.portal.putBack(key, await post(browser, body))
        #expect(try await gate.portal.takeBack(key, for: await post(browser)) == form)
    }

    @Test func itIsGivenToNobodyElseAndNowhereElse() async throws {
        let browser = try await late()
        let key = try await keep(browser)
        let other = Browser(gate)
        await logIn(other, to: "https://wiki.corp.example/")
        #expect(try await gate.portal.takeBack(key, for: await post(other)) == nil)
        await logIn(browser, to: "https://wiki.corp.example/", code: "code-lisi")
        #expect(try await gate.portal.takeBack(key, for: await post(browser)) == nil)
        try await gate.store.end(.all, now: gate.clock.now)
        await logIn(browser, to: "https://wiki.corp.example/")
        for address in ["https://wiki.corp.example/save", "https://wiki.corp.example/save?draft=2", "https://crm.corp.example:8443/save?draft=1"] {
            #expect(try await gate.portal.takeBack(key, for: await post(browser, to: address)) == nil)
        }
        #expect(try await gate.portal.takeBack(key, for: await post(browser)) != nil)
    }

    @Test func itIsKeptForTenMinutes() async throws {
        let browser = try await late()
        let key = try await keep(browser)
        await logIn(browser, to: "https://wiki.corp.example/")
        gate.clock.advance(.seconds(600))
        #expect(try await gate.portal.takeBack(key, for: await post(browser)) == nil)
        let told = await browser.get("https://wiki.corp.example/.menwei/finish?ticket=x&return=%2Fedit&form=\(key)")
        #expect(told.status == 410 && told.links.contains("https://wiki.corp.example/edit"))
    }

    @Test func theEndOfTheLoginSendsItOrSaysWhyNot() async throws {
        let browser = try await late()
        let key = try await keep(browser)
        let finish = "https://wiki.corp.example/.menwei/finish?ticket=x&return=%2Fedit&form=\(key)"
        await logIn(browser, to: "https://wiki.corp.example/")
        let page = await browser.get(finish)
        #expect(page.status == 200 && page.text.contains("<form method=\"post\" action=\"\(Self.save)\" data-send>"))
        #expect(page.text.contains("name=\"menwei-kept-form\" value=\"\(key)\""))
        #expect(page.field("Content-Security-Policy")?.contains("form-action *;") == true)
        #expect(try await gate.portal.takeBack(key, for: await post(browser)) != nil)
        let back = await browser.get(finish)
        #expect(back.status == 303 && back.location == "https://wiki.corp.example/edit")
    }

    @Test func aFormThatAsksForAKeptOneIsNotKeptItself() async throws {
        let browser = try await late()
        let key = try await keep(browser)
        let request = await post(browser, Array("menwei-kept-form=\(key)".utf8), type: "application/x-www-form-urlencoded")
        let answer = try await gate.portal.keep(request, of: try #require(try await gate.portal.owner(of: request)))
        #expect(answer.status == 401 && answer.links.contains { $0.parameter("form") == key })
    }

    @Test(arguments: [[], [1, 2, 3], [0, 0, 0, 9]] as [[UInt8]]) func whatTheStoreGarblesIsNoForm(_ bytes: [UInt8]) {
        #expect(StoredForm(bytes) == nil)
    }
}
