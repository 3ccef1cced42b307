import Access
import Bytes
import HTTP
import Proxy
import Telemetry
import Testing

@testable import Portal

/// Login by our own QR code as the portal serves it, with a clock of the test's.
@Suite struct ScanFlowTests {
    private let gate: Gate
    private let pc: Browser, phone: Browser

    init() throws {
        let network = try #require(IPNetwork("192.0.2.0/24"))
        gate = Gate { $0.scanFrom = [network] }
        pc = Browser(gate)
        phone = Browser(gate, agent: Browser.weCom)
    }

    /// What the PC shows: the code's address and the number.
    private func ask() async throws -> (address: String, number: String) {
        let page = await pc.get("https://auth.corp.example/.menwei/scan?return=https%3A%2F%2Fwiki.corp.example%2Fa")
        let link = try #require(page.links.first { $0.hasPrefix("https://auth.corp.example/.menwei/scan/") })
        let start = try #require(page.text.range(of: "class=\"number\">"))
        return (link, String(page.text[start.upperBound...].prefix(2)))
    }

    private func offers(_ page: OwnResponse) -> Bool { page.status == 200 && page.text.contains("name=\"number\"") }

    /// The phone opens an address; the silent login inside WeCom is gone through, where there is one.
    private func open(_ address: String) async -> OwnResponse {
        let (page, path) = await phone.follow(await phone.get(address))
        guard let state = path.last?.parameter("state") else { return page }
        return await phone.follow(await phone.get("https://auth.corp.example/.menwei/callback/corp?code=code-zhangsan&state=\(state)")).response
    }

    private func answer(_ address: String, _ number: String) async -> Int {
        var request = await phone.request(address, method: "POST", [("Origin", Gate.auth.text)]).1
        request.body = Array("number=\(number)".utf8)
        return await gate.portal.respond(to: request).status
    }

    private func state(_ address: String) async -> String? {
        let answer = await pc.get(address + "/wait", accept: "application/json")
        return answer.status == 200 ? answer.text : nil
    }

    @Test func theApprovedBrowserIsLoggedInAsTheSameMemberWithASessionOfItsOwn() async throws {
        let (address, number) = try await ask()
        #expect(offers(await open(address)))
        #expect(await answer(address, number) == 200)
        #expect(await state(address) == "{\"state\":\"approved\"}")
        let landed = await pc.get(address)
        #expect(landed.status == 302)
        let sessions = try await gate.store.list(account: "zhangsan", now: gate.clock.now)
        #expect(Set(sessions.map(\.amr)) == [["wecom"], ["wecom", "scan"]])
        #expect(gate.events.all.filter { $0.kind == .scan }.map(\.result) == ["asked", "approved"])
        #expect(await pc.get(address).status == 404)
    }

    @Test func aCodeIsGoodForTwoMinutesAndThenForgotten() async throws {
        let (address, number) = try await ask()
        #expect(offers(await open(address)))
        gate.clock.advance(.seconds(119))
        #expect(await state(address) == "{\"state\":\"waiting\"}")
        gate.clock.advance(.seconds(1))
        #expect(await state(address) == "{\"state\":\"expired\"}")
        #expect(await answer(address, number) == 410)
        #expect(await pc.get(address).status == 410)
        #expect(await phone.get(address).status == 410)
        gate.clock.advance(.seconds(180))
        #expect(await state(address) == nil)
        #expect(await answer(address, number) == 404)
    }

    @Test func anApprovalThatNobodyCollectsIsVoidAfterAMinute() async throws {
        let (address, number) = try await ask()
        _ = await open(address)
        #expect(await answer(address, number) == 200)
        gate.clock.advance(.seconds(60))
        #expect(await state(address) == "{\"state\":\"expired\"}")
        let late = await pc.get(address)
        #expect(late.status == 410 && late.cookies.isEmpty)
    }

    @Test func anOldLoginLogsInAgainBeforeItMayApprove() async throws {
        let first = try await ask()
        #expect(offers(await open(first.address)))
        gate.clock.advance(.seconds(481))
        let (address, number) = try await ask()
        let (_, path) = await phone.follow(await phone.get(address))
        #expect(path.last?.hasPrefix("https://open.weixin.qq.com/") == true)
        gate.clock.advance(.seconds(120 - 1))
        // It was 600 seconds ago: that still answers.
        #expect(await answer(address, number) == 200)
        gate.clock.advance(.seconds(2))
        let (another, right) = try await ask()
        #expect(await answer(another, right) == 401)
        #expect(await state(another) == "{\"state\":\"waiting\"}")
    }

    @Test func whoKeepsNoSessionCookieDoesNotGoRoundForEver() async throws {
        let (address, _) = try await ask()
        let page = await phone.get(address + "?try=2")
        #expect(page.status == 400 && page.refresh == nil)
    }

    @Test func anAddressGetsSoManyCodesAndTheLoginPageThenGoesOnWithoutOne() async throws {
        for _ in 0..<AddressBudget.scans.allowance { #expect(await pc.get("https://auth.corp.example/.menwei/scan").status == 200) }
        let refused = await pc.get("https://auth.corp.example/.menwei/scan")
        #expect(refused.status == 429 && refused.field("Retry-After") == "120")
        gate.clock.advance(AddressBudget.scans.window)
        #expect(await pc.get("https://auth.corp.example/.menwei/scan").status == 200)
    }

    @Test func whereTheStoreIsDownNobodyGetsACode() async throws {
        let network = try #require(IPNetwork("192.0.2.7"))
        let broken = Gate(store: BrokenStore()) { $0.scanFrom = [network] }
        let browser = Browser(broken)
        for path in ["scan", "scan/AAAAAAAAAAAAAAAAAAAAAA", "scan/AAAAAAAAAAAAAAAAAAAAAA/wait"] {
            #expect(await browser.get("https://auth.corp.example/.menwei/" + path).status == 503)
        }
    }

    @Test func withoutAWeComConnectionThereIsNoScan() async throws {
        let network = try #require(IPNetwork("192.0.2.0/24"))
        let none = Gate {
            $0.scanFrom = [network]
            $0.connections = []
        }
        #expect(await Browser(none).get("https://auth.corp.example/.menwei/scan").status == 404)
    }
}
