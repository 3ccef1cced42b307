import Access
import Bytes
import Foundation
import HTTP
import Proxy
import Synchronization
import Testing
import WeCom

@testable import Portal

/// Every page, in both languages: each is well-formed and small. With `MENWEI_PAGES=FOLDER` they are written there, to be looked at in a browser.
@Suite struct PageGallery {
    @Test(arguments: [("zh", "zh-CN,zh;q=0.9"), ("en", "en-GB,en;q=0.9")])
    func everyPageIsWhole(_ language: (name: String, accepted: String)) async throws {
        let network = try #require(IPNetwork("192.0.2.0/24"))
        let gate = Gate { $0.scanFrom = [network] }
        var pages: [(String, OwnResponse)] = []
        let desktop = Browser(gate), phone = Browser(gate, agent: Browser.phone), inside = Browser(gate, agent: Browser.weCom)
        for browser in [desktop, phone, inside] { browser.language = language.accepted }
        pages.append(("login", await desktop.follow(await desktop.visit("https://wiki.corp.example/projects/42")).response))
        pages.append(("login-phone", await phone.follow(await phone.visit("https://wiki.corp.example/projects/42?tab=discussion&comment=1837463")).response))
        let login = try #require(await inside.visit("https://wiki.corp.example/").location)
        pages.append(("hop", await inside.get(login)))
        let framed = try #require(await desktop.visit("https://wiki.corp.example/").location)
        pages.append(("framed", await desktop.get(framed, [("Sec-Fetch-Dest", "iframe"), ("Sec-Fetch-Mode", "navigate")])))
        let scan = await desktop.get("https://auth.corp.example/.menwei/scan?return=https%3A%2F%2Fwiki.corp.example%2F")
        pages.append(("scan", scan))
        pages.append(("scan-outside", await phone.get(try #require(scan.links.first { $0.contains("/.menwei/scan/") }))))
        pages.append(("scan-over", await phone.get("https://auth.corp.example/.menwei/scan/AAAAAAAAAAAAAAAAAAAAAA")))
        pages.append(("anonymous", await desktop.get("https://auth.corp.example/")))
        pages.append(("stuck", await desktop.get("https://wiki.corp.example/.menwei/finish?ticket=x&try=2")))
        let fresh = Browser(gate)
        fresh.language = language.accepted
        pages.append(("stuck-blocked", await fresh.get("https://wiki.corp.example/.menwei/finish?ticket=x&try=2")))
        pages.append(contentsOf: try await formPages(gate, language.accepted))
        for failure in LoginFailure.allCases {
            let (origin, request) = await desktop.request("https://auth.corp.example/.menwei/callback/corp")
            let asked = Asked(request, origin: origin, options: gate.options)
            let journey = Journey(returnTo: gate.portal.returnAddress("https://wiki.corp.example/", on: Gate.auth, allowPath: false))
            pages.append(("failure-\(failure.rawValue)", gate.portal.failurePage(failure, asked, gate.options.connections[0], journey)))
        }
        let several = Gate(SeveralConnectionTests.withWeChat)
        let visitors = [("desktop", Browser.chrome), ("phone", Browser.phone), ("wechat", SeveralConnectionTests.weChat)].map { ($0.0, Browser(several, agent: $0.1)) }
        for (name, browser) in visitors {
            browser.language = language.accepted
            pages.append(("several-\(name)", await browser.follow(await browser.visit("https://wiki.corp.example/projects/42")).response))
        }
        for failure in LoginFailure.allCases {
            let (origin, request) = await visitors[0].1.request("https://auth.corp.example/.menwei/callback/weixin")
            let asked = Asked(request, origin: origin, options: several.options)
            let journey = Journey(returnTo: several.portal.returnAddress("https://wiki.corp.example/", on: Gate.auth, allowPath: false))
            pages.append(("wechat-failure-\(failure.rawValue)", several.portal.failurePage(failure, asked, several.options.connections[0], journey)))
        }
        await logIn(desktop, to: "https://wiki.corp.example/")
        pages.append(("sessions", await desktop.get("https://auth.corp.example/.menwei/sessions")))
        pages.append(("home", await desktop.get("https://auth.corp.example/")))
        pages.append(("logout", await desktop.get("https://wiki.corp.example/.menwei/logout")))
        let (_, request) = await desktop.request("https://wiki.corp.example/admin/users")
        for (index, (refusal, status, word)) in RefusalTests.all.enumerated() {
            pages.append(("refusal-\(index)-\(status)-\(word)", gate.portal.answer(refusal, to: request, audience: .navigation)))
        }
        pages.append(("not-sent", await phone.visit(
            "https://wiki.corp.example/save", method: "POST", audience: .call,
            [("Sec-Fetch-Mode", "navigate"), ("Content-Type", "application/x-www-form-urlencoded")])))
        let done = await desktop.get("https://wiki.corp.example/.menwei/logout", method: "POST", [("Origin", "https://wiki.corp.example")])
        pages.append(("logged-out", await desktop.get(try #require(done.location))))

        for (name, page) in pages {
            let text = page.text
            #expect(text.hasPrefix("<!doctype html>\n<html lang=\"") && text.hasSuffix("</html>\n"), "\(name)")
            #expect(page.body.count < 16 << 10, "\(name)")
            #expect(page.field("Content-Type") == "text/html; charset=utf-8", "\(name)")
            #expect(page.field("X-Content-Type-Options") == "nosniff", "\(name)")
            #expect(page.field("Referrer-Policy") == "same-origin", "\(name)")
            #expect(!text.contains("style=") && !text.contains(" onclick"), "\(name)")
            #expect(text.contains("<main>") && text.contains("<h1>") || name == "hop" || name == "form-send", "\(name)")
        }
        try write(pages, language.name)
    }

    /// What people see of forms that are kept.
    private func formPages(_ gate: Gate, _ language: String) async throws -> [(String, OwnResponse)] {
        let browser = Browser(gate)
        browser.language = language
        let (origin, request) = await browser.request("https://wiki.corp.example/save?draft=1")
        let asked = Asked(request, origin: origin, options: gate.options)
        let back = gate.portal.returnAddress("https://wiki.corp.example/edit", on: origin, allowPath: false)
        let key = String(repeating: "k", count: 43)
        let kept = "https://auth.corp.example/.menwei/login?return=https%3A%2F%2Fwiki.corp.example%2Fedit&form=\(key)"
        return [
            ("form-kept", await browser.get(kept)), ("form-send", gate.portal.show(gate.portal.sendFormPage(asked, key: key, to: "https://wiki.corp.example/save?draft=1"))),
            ("form-lost", gate.portal.show(gate.portal.lostFormPage(asked, Catalogue.formLostText, back))),
            ("form-foreign", gate.portal.show(gate.portal.lostFormPage(asked, Catalogue.formForeignText, back))), ("form-again", gate.portal.notSent(asked, form: key)),
        ]
    }

    private func write(_ pages: [(String, OwnResponse)], _ language: String) throws {
        guard let folder = ProcessInfo.processInfo.environment["MENWEI_PAGES"] else { return }
        try FileManager.default.createDirectory(atPath: folder + "/.menwei/assets", withIntermediateDirectories: true)
        for file in [Assets.shared.style, Assets.shared.script, Assets.shared.mark] {
            try Data(file.body).write(to: URL(fileURLWithPath: folder + file.path))
        }
        for (name, page) in pages { try Data(page.body).write(to: URL(fileURLWithPath: "\(folder)/\(name).\(language).html")) }
    }
}
