import Access
import Bytes
import HTTP
import Proxy
import Synchronization
import Telemetry
import Testing
import WeCom

@testable import Portal

/// What becomes of a login where WeCom says anything but "this is a member, and active".
@Suite struct FailureTests {
    let gate = Gate()

    private func attempt(_ code: String, agent: String = Browser.chrome) async throws -> OwnResponse {
        let browser = Browser(gate, agent: agent)
        let start = await browser.get("\(Gate.auth.text)/.menwei/start/corp?return=https%3A%2F%2Fwiki.corp.example%2F")
        let state = try #require(start.location?.parameter("state"))
        let answer = await browser.get("\(Gate.auth.text)/.menwei/callback/corp?code=\(code)&state=\(state)")
        #expect(browser.cookie("__Host-menwei-auth", at: Gate.auth) == nil)
        #expect(try await gate.store.count(now: gate.clock.now) == 0)
        return answer
    }

    private func identity(_ result: Result<Identity, WeComError>) {
        gate.provider.answers.withLock { $0.identities["c"] = result }
    }

    @Test(arguments: [
        (40029, 400, "code-spent"), (40001, 502, "misconfigured"), (60020, 502, "misconfigured"), (50001, 502, "misconfigured"), (50003, 502, "app-disabled"),
        (45009, 503, "busy"), (-1, 503, "busy"), (60111, 403, "member-gone"), (60011, 403, "out-of-visible-range"), (99999, 502, "fault"),
    ])
    func anErrorOfTheIdentityCallHasItsOwnPage(_ code: Int, _ status: Int, _ word: String) async throws {
        identity(.failure(WeComError(api: "auth/getuserinfo", errcode: code, callerAddress: "203.0.113.9")))
        let page = try await attempt("c")
        #expect(page.status == status)
        #expect(page.text.contains("req-0123456789"))
        #expect(page.text.contains("/.menwei/start/partner?"))
        #expect(!page.text.contains("203.0.113.9"))
        let event = try #require(gate.events.all.last)
        #expect(event.kind == .loginFailed)
        #expect(event.result == word)
        #expect(event.errcode == code)
        #expect(event.api == "auth/getuserinfo")
    }

    @Test func anOutsiderIsNoMember() async throws {
        identity(.success(.outsider))
        let page = try await attempt("c")
        #expect(page.status == 403)
        #expect(page.text.contains("你不是本企业的成员"))
    }

    @Test func aMemberOfALinkedCorpIsRefused() async throws {
        identity(.success(.linkedMember(corp: "wwother", user: "zhangsan")))
        #expect(try await attempt("c").status == 403)
        #expect(gate.events.all.last?.result == "linked-corp")
    }

    @Test(arguments: [DirectoryMember.Status.disabled, .notActivated, .left, .other(9)])
    func aMemberWhoIsNotActiveIsRefused(_ status: DirectoryMember.Status) async throws {
        gate.provider.knows("lisi", by: "code-lisi", status: status)
        #expect(try await attempt("code-lisi").status == 403)
    }

    @Test func whoIsOutsideTheVisibleRangeIsRefusedAtTheDirectory() async throws {
        gate.provider.answers.withLock { $0.members["lisi"] = .failure(WeComError(api: "user/get", errcode: 60011)) }
        let page = try await attempt("code-lisi")
        #expect(page.status == 403)
        #expect(page.text.contains("可见范围"))
        #expect(gate.events.all.last?.api == "user/get")
    }

    @Test(arguments: [WeComError.unreachable("user/get"), .badAnswer("user/get")])
    func aDirectoryThatDoesNotAnswerLetsNobodyIn(_ error: WeComError) async throws {
        gate.provider.answers.withLock { $0.members["lisi"] = .failure(error) }
        #expect(try await attempt("code-lisi").status == 502)
    }

    @Test func noCodeMeansThatThePersonDeclined() async throws {
        let page = try await attempt("")
        #expect(page.status == 403)
        #expect(page.text.contains("登录已取消"))
        #expect(gate.events.all.last?.result == "declined")
    }

    @Test(arguments: [String(repeating: "a", count: 513), "%00", "a%20b"])
    func aCodeThatWeComNeverGaveIsNotPassedOn(_ code: String) async throws {
        #expect(try await attempt(code).status == 400)
        #expect(gate.provider.answers.withLock { $0.asked }.isEmpty)
    }

    @Test func theCodeAppearsOnNoPageAndInNoRecord() async throws {
        let page = try await attempt("sEcReT-code")
        #expect(!page.text.contains("sEcReT-code"))
        #expect(!"\(gate.events.all)".contains("sEcReT-code"))
    }

    @Test func theOtherWayIsOfferedOnBothSides() async throws {
        let outside = try await attempt("nobody")
        #expect(outside.links.contains { $0.hasPrefix("/.menwei/start/corp?") && $0.hasSuffix("&via=app") })
        let inside = try await attempt("nobody", agent: Browser.weCom)
        #expect(inside.links.contains { $0.hasPrefix("/.menwei/start/corp?") && $0.hasSuffix("&via=web") })
    }

    @Test func aStoreThatDoesNotAnswerIs503OnEveryStep() async {
        let gate = Gate(store: BrokenStore())
        let browser = Browser(gate)
        browser.set("__Host-menwei-auth", String(repeating: "A", count: 43), at: Gate.auth)
        browser.set("__Host-menwei-try", String(repeating: "A", count: 43), at: Gate.auth)
        for path in ["login", "start/corp?return=x", "callback/corp?state=0123456789abcdef0123456789abcdef&code=c", "me", "logout"] {
            let answer = await browser.get("\(Gate.auth.text)/.menwei/\(path)")
            #expect(answer.status == 503)
            #expect(answer.field("Retry-After") == "5")
        }
        #expect(gate.events.troubles == Array(repeating: "store-unreachable", count: 5))
    }
}
