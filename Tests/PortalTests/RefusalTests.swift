import Access
import Bytes
import HTTP
import Proxy
import Testing

@testable import Portal

@Suite struct RefusalTests {
    let gate = Gate()

    static let all: [(Refusal, Int, String)] = [
        (.denied(pattern: "/admin/*", source: "menwei.yaml:12", reason: "users"), 403, "denied"), (.foreignOrigin, 403, "denied"),
        (.noSuchSite, 404, "no-such-site"), (.noSuchOwnPath, 404, "no-such-site"), (.methodNotAllowed(allow: "GET"), 405, "malformed"),
        (.unknownHost, 421, "no-such-site"), (.malformed(status: 400, code: "bad-path"), 400, "malformed"),
        (.malformed(status: 431, code: "head-too-large"), 431, "malformed"), (.tooLarge(limit: 100 << 20), 413, "too-large"),
        (.formTooLarge(limit: 1 << 20), 413, "too-large"), (.formGone, 410, "malformed"),
        (.upstreamUnreachable, 502, "upstream"), (.upstreamTimedOut, 504, "upstream"), (.upstreamBroken, 502, "upstream"),
        (.storeDown, 503, "store-down"), (.loop, 508, "upstream"),
    ]

    @Test(arguments: all.indices)
    func everyRefusalIsAPageForPeopleAndAProblemForPrograms(_ index: Int) async {
        let (refusal, status, type) = Self.all[index]
        let (_, request) = await Browser(gate).request("https://wiki.corp.example/x?<script>")
        for language in ["zh-CN,zh;q=0.9,en;q=0.8", "en-US,en"] {
            var request = request
            request.fields = Fields()
            request.fields.append("Accept-Language", language)
            let page = gate.portal.answer(refusal, to: request, audience: .navigation)
            #expect(page.status == status)
            #expect(page.field("Content-Type") == "text/html; charset=utf-8")
            #expect(page.field("Content-Security-Policy")?.contains("frame-ancestors 'none'") == true)
            #expect(page.field("Cache-Control") == "no-store")
            #expect(page.text.contains("req-0123456789"))
            #expect(page.text.contains(language.hasPrefix("zh") ? "<html lang=\"zh-CN\">" : "<html lang=\"en\">"))
            #expect(!page.text.contains("<script>"))
        }
        let problem = gate.portal.answer(refusal, to: request, audience: .call)
        #expect(problem.status == status)
        #expect(problem.field("Content-Type") == "application/problem+json")
        #expect(problem.text.contains("\"type\":\"urn:menwei:\(type)\""))
        #expect(problem.text.contains("\"status\":\(status)"))
        #expect(problem.text.contains("\"request_id\":\"req-0123456789\""))
    }

    @Test func aCallWithoutASessionGetsAProblemAndNoCookie() async throws {
        let browser = Browser(gate)
        for _ in 0..<200 {
            let answer = await browser.visit("https://wiki.corp.example/api", accept: "application/json", audience: .call)
            #expect(answer.status == 401)
            #expect(answer.cookies.isEmpty)
            #expect(answer.text.contains(#""login_url":"https://wiki.corp.example/.menwei/login?return=https%3A%2F%2Fwiki.corp.example%2F""#))
        }
    }

    @Test(arguments: [
        ("https://wiki.corp.example/page?x=1", "https://wiki.corp.example/api", "https://wiki.corp.example/page?x=1"),
        ("https://evil.test/page", "https://wiki.corp.example/api", "https://wiki.corp.example/"),
        ("https://crm.corp.example:8443/admin/a", "https://crm.corp.example:8443/admin/api", "https://crm.corp.example:8443/admin/a"),
        ("https://crm.corp.example:8443/other", "https://crm.corp.example:8443/admin/api", "https://crm.corp.example:8443/admin"),
        ("https://crm.corp.example:8443/admin/a", "https://crm.corp.example:8443/api", "https://crm.corp.example:8443/"),
        ("https://crm.corp.example:8443/administration", "https://crm.corp.example:8443/admin/api", "https://crm.corp.example:8443/admin"),
    ])
    func theLoginOfACallComesBackToThePageOfTheSameSite(_ referer: String, _ address: String, _ expected: String) async throws {
        let answer = await Browser(gate).visit(address, accept: "*/*", audience: .call, [("Referer", referer)])
        #expect(answer.text.contains("return=\(Percent.encodeQueryValue(expected))\""))
    }

    @Test func trustedOriginsMayReadTheAnswer() async {
        let trusted = await Browser(gate).visit("https://wiki.corp.example/api", accept: "*/*", audience: .call, [("Origin", "https://portal.corp.example")])
        #expect(trusted.field("Access-Control-Allow-Origin") == "https://portal.corp.example")
        #expect(trusted.field("Access-Control-Allow-Credentials") == "true")
        let other = await Browser(gate).visit("https://wiki.corp.example/api", accept: "*/*", audience: .call, [("Origin", "https://evil.test")])
        #expect(other.field("Access-Control-Allow-Origin") == nil)
    }

    @Test(arguments: [Audience.call, .navigation])
    func aFormThatCameWithoutASessionIsToldThatItWasNotSent(_ audience: Audience) async {
        let answer = await Browser(gate).visit(
            "https://wiki.corp.example/save", method: "POST", audience: audience,
            [("Sec-Fetch-Mode", "navigate"), ("Content-Type", "application/x-www-form-urlencoded"), ("Referer", "https://wiki.corp.example/edit")])
        #expect(answer.status == 401)
        #expect(answer.text.contains("内容没有提交"))
        #expect(answer.links.contains("https://wiki.corp.example/.menwei/login?return=https%3A%2F%2Fwiki.corp.example%2Fedit"))
        #expect(answer.cookies.isEmpty)
    }

    @Test func theBrowserIsMarkedOnceForAllTabs() async {
        let browser = Browser(gate)
        #expect(await browser.visit("https://wiki.corp.example/1").cookies.count == 1)
        #expect(await browser.visit("https://wiki.corp.example/2").cookies.isEmpty)
    }

    @Test func deniedPagesSayWhoOneIsAndWhichRuleItWas() async throws {
        let browser = Browser(gate)
        await logIn(browser, to: "https://wiki.corp.example/")
        let (_, request) = await browser.request("https://wiki.corp.example/admin/x")
        let page = gate.portal.answer(.denied(pattern: "/admin/*", source: "menwei.yaml:12", reason: "users"), to: request, audience: .navigation)
        #expect(page.text.contains("张三 (ZhangSan)"))
        #expect(page.text.contains("/admin/*"))
    }

    @Test func anAddressTooLongForTheLoginLeadsToTheSitesStart() async throws {
        let long = "https://crm.corp.example:8443/admin/x?" + String(repeating: "a%26", count: 2500)
        let login = try #require(await Browser(gate).visit(long).location)
        #expect(login.parameter("return") == "https://crm.corp.example:8443/admin")
    }

    @Test func aRequestForNoHostOfOursHasNoLogin() async {
        var (_, request) = await Browser(gate).request("https://wiki.corp.example/")
        request.origin = nil
        #expect(gate.portal.answer(.loginRequired, to: request, audience: .navigation).status == 421)
        #expect(await gate.portal.respond(to: request).status == 421)
    }

    @Test(arguments: [
        (nil, Language.zh), ("", .zh), ("en", .en), ("en-US,zh;q=0.9", .en), ("fr,en;q=0.5", .en), ("fr", .zh), ("zh-TW", .zh), ("en;q=0.1,zh;q=0.2", .zh),
        ("en;q=0", .zh), ("*", .zh), ("en;q=nonsense", .zh), ("EN", .en), (",,,;;q=,", .zh),
    ] as [(String?, Language)])
    func theLanguageFollowsAcceptLanguage(_ field: String?, _ language: Language) {
        #expect(Language(acceptLanguage: field) == language)
    }

    @Test func textCannotBecomeMarkup() {
        let page = h("a", [.href("\"><script>alert(1)</script>")], .text("<img src=x onerror='x'>&\u{202E}\u{0}"))
        #expect(page.rendered == "<a href=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\">&lt;img src=x onerror=&#39;x&#39;&gt;&amp;\u{FFFD}\u{FFFD}</a>")
        #expect(JSONText.text("\"\\\n<\u{2028}张").bytes == Array(#""\"\\\u000a\u003c\u2028张""#.utf8))
    }
}
