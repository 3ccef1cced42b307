import Access
import Bytes
import Crypto
import HTTP
import Proxy
import Synchronization
import Testing
import WeCom

@testable import Portal

/// WeCom twice and WeChat, and the way that each browser is shown.
@Suite struct SeveralConnectionTests {
    static let weChat = "Mozilla/5.0 (iPhone; CPU iPhone OS 13_6_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.17(0x18001122)"
    static let weChatPC = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36 MicroMessenger/7.0.20.1781(0x6700143B) WindowsWechat(0x63090a13)"

    static func withWeChat(_ options: inout PortalOptions) {
        options.connections.insert(
            ConnectionOptions(id: "weixin", name: .init(zh: "微信", en: "WeChat"), plainNames: false, .wechat(WeChatApp(appID: "wx0123456789abcdef", secret: "s"))), at: 0)
    }

    private func page(_ gate: Gate, _ agent: String = Browser.chrome) async -> OwnResponse {
        let browser = Browser(gate, agent: agent)
        return await browser.follow(await browser.visit("https://wiki.corp.example/")).response
    }

    private func starts(_ page: OwnResponse) -> [String] {
        page.links.filter { $0.hasPrefix("/.menwei/start/") && !$0.contains("panel=1") }.map { String($0.dropFirst("/.menwei/start/".count).prefix { $0 != "?" }) }
    }

    @Test func aButtonForEachInTheirOrderAndThePanelOfTheFirstOfWeComs() async {
        let page = await page(Gate(Self.withWeChat))
        #expect(starts(page) == ["weixin", "corp", "partner"])
        #expect(page.text.contains("data-panel=\"/.menwei/start/corp?"))
        #expect(page.field("Content-Security-Policy")?.contains("frame-src 'self' https://login.work.weixin.qq.com;") == true)
    }

    @Test func insideWeChatOnAPhoneWeComIsReachedByItsPlugin() async {
        let page = await page(Gate(Self.withWeChat), Self.weChat)
        #expect(starts(page) == ["weixin", "corp", "partner"])
        #expect(page.links.filter { $0.hasSuffix("&via=app") }.count == 2)
        #expect(page.text.contains(Catalogue.insideWeChat.zh) && page.text.contains(Catalogue.phoneTitle.zh))
        #expect(page.text.contains(Catalogue.pluginText.zh) && !page.text.contains(Catalogue.otherDevice.zh))
        #expect(!page.text.contains("<iframe"))
    }

    @Test func onAnOrdinaryPhoneNothingIsSaidOfWeChatsBrowser() async {
        let page = await page(Gate(Self.withWeChat), Browser.phone)
        #expect(!page.text.contains(Catalogue.insideWeChat.zh) && !page.links.contains { $0.contains("via=app") })
    }

    @Test func onADesktopWeChatsBrowserIsOneLikeAnother() async {
        let page = await page(Gate(Self.withWeChat), Self.weChatPC)
        #expect(page.text.contains("data-panel=") && !page.text.contains(Catalogue.insideWeChat.zh))
    }

    @Test func withWeChatAloneNothingIsSaidOfWeCom() async {
        for agent in [Browser.chrome, Browser.phone, Self.weChat] {
            let page = await page(Gate { options in
                Self.withWeChat(&options)
                options.connections.removeLast(2)
            }, agent)
            #expect(starts(page) == ["weixin"])
            #expect(!page.text.contains("企业微信") && !page.text.contains("<iframe"))
        }
    }

    @Test func insideWeComWithoutASilentConnectionThePageAsks() async {
        let page = await page(Gate { options in
            Self.withWeChat(&options)
            for index in options.connections.indices { options.connections[index].changeApp { $0.autoLogin = false } }
        }, Browser.weCom)
        #expect(starts(page) == ["weixin", "corp", "partner"])
    }

    @Test func whoeverWeChatVouchesForStaysOutWithoutAnAccount() async throws {
        let gate = Gate(Self.withWeChat)
        var person = DirectoryMember(user: "oUnion")
        person.name = "小明"
        let wechat = FakeProvider()
        wechat.answers.withLock { $0.identities["code-xiaoming"] = .success(.known(person)) }
        let events = gate.events
        let portal = Portal(options: gate.options, store: gate.store, providers: ["weixin": wechat], records: PortalRecords(audit: { events.add($0) }), suspicions: Suspicions(), publicKeys: { [] })
        let browser = Browser(gate)
        let login = await browser.follow(await browser.visit("https://wiki.corp.example/")).response
        let start = try #require(login.links.first { $0.hasPrefix("/.menwei/start/weixin?") })
        let state = try #require(await browser.get(Gate.auth.text + start).location?.parameter("state"))
        let (_, request) = await browser.request("https://auth.corp.example/.menwei/callback/weixin?code=code-xiaoming&state=\(state)")
        let answer = await portal.respond(to: request)
        #expect(answer.status == 403 && answer.cookies.isEmpty)
        #expect(try await gate.store.list(account: nil, now: gate.clock.now).isEmpty)
    }
}

@Suite struct PageSigningTests {
    /// The vector of the interface's documentation.
    @Test func theSignatureIsTheOneOfTheDocumentation() {
        let ticket = Hidden("sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg")
        let text = PageSignature.text(ticket: ticket, nonce: "Wm3WZYTPz0wzccnW", timestamp: 1_414_587_457, url: "http://mp.weixin.qq.com?params=value")
        #expect(Hex.encode(Digest.sha1(Array(text.utf8))) == "0f9de62fce790f9a083d5c99e95740ceb90c27ed")
    }
}
