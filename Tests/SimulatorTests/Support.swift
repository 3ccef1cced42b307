import Bytes
import HTTP
import Proxy
import Synchronization
import Testing

@testable import Simulator

/// A clock that tests turn.
final class TestClock: Sendable {
    private let time = Mutex(WallTime(seconds: 1_800_000_000))
    var now: WallTime { time.withLock { $0 } }
    func advance(_ seconds: Int64) { time.withLock { $0 = WallTime(milliseconds: $0.milliseconds + seconds * 1000) } }
}

/// The simulator as a program sees it.
struct Harness {
    let clock = TestClock()
    let shared: SharedSimulator
    let responder: SimulatorResponder

    static let back = "https://auth.localhost:8443/.menwei/callback/corp"
    static let wecom = "Mozilla/5.0 (iPhone) Mobile/15E148 wxwork/4.1.39 MicroMessenger/7.0.1"

    init() {
        let clock = clock
        shared = SharedSimulator(world: .standard(), now: { clock.now })
        responder = SimulatorResponder(shared: shared)
    }

    func send(_ method: String, _ target: String, fields: [(String, String)] = [], body: String = "", client: String = "127.0.0.1") async -> OwnResponse {
        await responder.respond(to: ownRequest(method, target, fields: fields, body: body, client: client))
    }

    func call(_ api: String, _ query: [(String, String)] = [], client: String = "127.0.0.1") async throws -> JSON {
        let text = query.map { $0.0 + "=" + Form.encode($0.1) }.joined(separator: "&")
        let response = await send("GET", "/cgi-bin/\(api)?\(text)", client: client)
        #expect(response.status == 200)
        #expect(response.text("Content-Type") == "application/json; charset=UTF-8")
        return try #require(JSON(parsing: response.body))
    }

    func token(corp: String = "ww0123456789abcdef", secret: String = "simulator-secret") async throws -> String {
        try #require(try await call("gettoken", [("corpid", corp), ("corpsecret", secret)])["access_token"]?.text)
    }

    func control(_ name: String, _ body: JSON = .object([])) async -> OwnResponse {
        await send("POST", "/_simulator/\(name)", fields: [("Content-Type", "application/json")], body: String(decoding: body.bytes, as: UTF8.self))
    }

    /// The in-app page's address.
    func authorize(_ changes: [String: String?] = [:], userAgent: String = wecom, cookie: String? = nil) async -> OwnResponse {
        let standard: [String: String?] = [
            "appid": "ww0123456789abcdef", "agentid": "1000002", "redirect_uri": Self.back, "response_type": "code", "scope": "snsapi_base", "state": "abc",
        ]
        let query = standard.merging(changes) { $1 }.compactMap { name, value in value.map { name + "=" + Form.encode($0) } }.joined(separator: "&")
        return await send("GET", "/connect/oauth2/authorize?" + query, fields: [("User-Agent", userAgent)] + (cookie.map { [("Cookie", $0)] } ?? []))
    }

    func webLogin(_ changes: [String: String?] = [:], fields: [(String, String)] = []) async -> OwnResponse {
        let standard: [String: String?] = [
            "login_type": "CorpApp", "appid": "ww0123456789abcdef", "agentid": "1000002", "redirect_uri": Self.back, "state": "a-b/c",
        ]
        let query = standard.merging(changes) { $1 }.compactMap { name, value in value.map { name + "=" + Form.encode($0) } }.joined(separator: "&")
        return await send("GET", "/wwlogin/sso/login?" + query, fields: fields)
    }

    /// A code of the in-app page.
    func code(_ user: String = "zhangsan", _ changes: [String: String?] = [:]) async throws -> String {
        try await authorize(changes.merging(["sim_user": user]) { $1 }).code()
    }
}

func ownRequest(_ method: String, _ target: String, fields: [(String, String)] = [], body: String = "", client: String = "127.0.0.1") -> OwnRequest {
    var list = Fields()
    for (name, value) in fields { list.append(name, value) }
    let parts = target.split(separator: "?", maxSplits: 1)
    return OwnRequest(
        method: method, origin: nil, authority: "127.0.0.1:9000", path: String(parts[0]), target: target, query: parts.count > 1 ? String(parts[1]) : "",
        fields: list, body: Array(body.utf8), client: client, version: .http11, requestID: "r", session: nil, site: nil)
}

extension OwnResponse {
    func text(_ name: String) -> String? { fields.first { $0.name.lowercased() == name.lowercased() }?.value }
    var page: String { String(decoding: body, as: UTF8.self) }
    /// The `code` of a redirect.
    func code() throws -> String {
        #expect(status == 302)
        let location = try #require(text("Location"))
        let query = try #require(location.split(separator: "?", maxSplits: 1).last)
        return try #require(Form(String(query))["code"])
    }
}

extension JSON {
    var errcode: Int? { self["errcode"]?.number }
}
