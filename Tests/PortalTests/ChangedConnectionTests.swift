import Access
import Bytes
import Proxy
import Testing
import WeCom

@testable import Portal

/// Sessions outlive restarts, and connections may be configured otherwise after one: nobody may become somebody else by it.
@Suite struct ChangedConnectionTests {
    private static let me = "https://auth.corp.example/.menwei/me"

    /// Logs in, and comes back with the same store and other connections.
    private func restarted(_ change: @escaping (inout PortalOptions) -> Void) async throws -> (gate: Gate, browser: Browser, record: SessionRecord) {
        let before = Gate()
        let old = Browser(before)
        await logIn(old, to: "https://wiki.corp.example/")
        let record = try #require(try await before.store.list(account: nil, now: before.clock.now).first)
        let gate = Gate(store: before.store, change)
        let browser = Browser(gate)
        browser.set("__Host-menwei-auth", old.cookie("__Host-menwei-auth", at: Gate.auth), at: Gate.auth)
        return (gate, browser, record)
    }

    private func check(_ gate: Gate) -> MemberCheck {
        MemberCheck(options: gate.options, store: gate.store, providers: ["corp": gate.provider], records: PortalRecords(audit: { _ in }), suspicions: gate.suspicions)
    }

    @Test func nothingChangedNothingEnds() async throws {
        let (gate, browser, record) = try await restarted { _ in }
        #expect(await browser.get(Self.me).status == 200)
        #expect(check(gate).knows(record.member))
    }

    @Test func aSessionOfAnotherCorpOpensNothing() async throws {
        let (gate, browser, record) = try await restarted { $0.connections[0].changeApp { $0.corpID = "ww9999999999999999" } }
        #expect(await browser.get(Self.me).status == 401)
        #expect(!check(gate).knows(record.member))
        gate.clock.advance(.seconds(600))
        // Another corp's directory has somebody of that user id; it is not them.
        #expect(await check(gate).recheck(record) == .ended)
    }

    @Test func anAccountThatIsAnotherPersonsNowOpensNothing() async throws {
        let (gate, browser, record) = try await restarted { $0.connections[0].plainNames = false }
        #expect(await browser.get(Self.me).status == 401)
        #expect(!check(gate).knows(record.member))
        // Looked up again, the same person has the new name.
        gate.clock.advance(.seconds(600))
        #expect(await check(gate).recheck(record) == .stands)
        #expect(try await gate.store.list(account: nil, now: gate.clock.now).first?.member.account == "corp/ZhangSan")
    }

    @Test func aSessionOfAConnectionThatIsGoneOpensNothing() async throws {
        let (gate, browser, record) = try await restarted { $0.connections.removeFirst() }
        #expect(await browser.get(Self.me).status == 401)
        #expect(!check(gate).knows(record.member))
    }
}
