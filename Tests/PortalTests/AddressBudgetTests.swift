import Bytes
import HTTP
import Proxy
import Synchronization
import Testing
import WeCom

@testable import Portal

@Suite struct AddressBudgetTests {
    private let start = WallTime(seconds: 1_800_000_000)

    @Test func anAddressMayBringSoManyBadCodesAWindow() {
        var budget = AddressBudget.codes
        for _ in 0..<AddressBudget.codes.allowance {
            #expect(budget.allows("192.0.2.1", now: start))
            budget.spend("192.0.2.1", now: start)
        }
        #expect(!budget.allows("192.0.2.1", now: start))
        #expect(budget.allows("192.0.2.2", now: start))
        #expect(budget.allows("192.0.2.1", now: start.advanced(by: AddressBudget.codes.window)))
    }

    @Test func aNetworkOfIPv6CountsAsOne() {
        var budget = AddressBudget.codes
        for host in 0..<AddressBudget.codes.allowance { budget.spend("2001:db8:1:2::\(host + 1)", now: start) }
        #expect(!budget.allows("2001:db8:1:2:aaaa:bbbb:cccc:dddd", now: start))
        #expect(budget.allows("2001:db8:1:3::1", now: start))
    }

    @Test func manyAddressesTakeBoundedRoomAndTheNewestAreKnown() {
        var budget = AddressBudget.codes
        for n in 0..<AddressBudget.capacity + 100 { budget.spend("10.\(n >> 16 & 255).\(n >> 8 & 255).\(n & 255)", now: start.advanced(by: .milliseconds(n))) }
        for _ in 0..<AddressBudget.codes.allowance { budget.spend("198.51.100.1", now: start) }
        #expect(!budget.allows("198.51.100.1", now: start))
    }

    /// A script with made-up codes uses up its own allowance, not the company's at WeCom.
    @Test func madeUpCodesStopReachingWeCom() async throws {
        let gate = Gate()
        gate.provider.answers.withLock { $0.identities["junk"] = .failure(WeComError(api: "auth/getuserinfo", errcode: 40029)) }
        var statuses: [Int] = []
        for _ in 0..<AddressBudget.codes.allowance + 3 {
            let browser = Browser(gate, agent: Browser.chrome)
            let begun = await browser.get("\(Gate.auth.text)/.menwei/start/corp?return=https%3A%2F%2Fwiki.corp.example%2F")
            let state = try #require(begun.location?.parameter("state"))
            statuses.append(await browser.get("\(Gate.auth.text)/.menwei/callback/corp?code=junk&state=\(state)").status)
        }
        #expect(statuses.prefix(AddressBudget.codes.allowance).allSatisfy { $0 == 400 })
        #expect(statuses.suffix(3).allSatisfy { $0 == 503 })
    }
}
