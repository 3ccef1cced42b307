import Access
import Bytes
import Crypto
import HTTP
import Proxy
import Storage
import Synchronization
import Telemetry
import WeCom

@testable import Portal

/// A clock that tests move.
final class TestClock: Sendable {
    private let time = Mutex(WallTime(seconds: 1_767_325_445))
    var now: WallTime { time.withLock { $0 } }
    func advance(_ duration: Duration) { time.withLock { $0 = $0.advanced(by: duration) } }
}

/// WeCom as tests want it: what a code stands for, what the directory says.
final class FakeProvider: IdentityProvider {
    struct Answers: Sendable {
        var identities: [String: Result<Identity, WeComError>] = [:]
        var members: [String: Result<DirectoryMember, WeComError>] = [:]
        var asked: [String] = []
        /// How often each member was looked up.
        var lookups: [String: Int] = [:]
    }
    let answers = Mutex(Answers())

    func identify(code: String) async throws(WeComError) -> Identity {
        try answers.withLock {
            $0.asked.append(code)
            return $0.identities[code] ?? .failure(WeComError(api: "auth/getuserinfo", errcode: 40029))
        }.get()
    }

    func member(userid: String) async throws(WeComError) -> DirectoryMember {
        try answers.withLock {
            $0.lookups[userid, default: 0] += 1
            return $0.members[userid] ?? .failure(WeComError(api: "user/get", errcode: 60111))
        }.get()
    }

    func knows(_ user: String, by code: String, name: String = "", status: DirectoryMember.Status = .active) {
        answers.withLock {
            $0.identities[code] = .success(.member(user: user))
            var member = DirectoryMember(user: user)
            member.name = name
            member.status = status
            $0.members[user] = .success(member)
        }
    }
}

extension ConnectionOptions {
    /// Changes the WeCom app behind it.
    mutating func changeApp(_ change: (inout WeComApp) -> Void) {
        guard var app = wecom else { return }
        change(&app)
        kind = .wecom(app)
    }
}

/// The portal with a store in memory, two sites by origin, one by path, and a faked WeCom.
final class Gate {
    static let auth = Origin(host: "auth.corp.example")
    static let wiki = Origin(host: "wiki.corp.example")
    static let crm = Origin(host: "crm.corp.example", port: 8443)

    let clock = TestClock()
    let provider = FakeProvider()
    let partner = FakeProvider()
    let events = EventBox()
    let suspicions = Suspicions()
    var options: PortalOptions
    var store: any SessionStore
    let portal: Portal

    final class EventBox: Sendable {
        private let list = Mutex<[AuditEvent]>([])
        private let words = Mutex<[String]>([])
        func add(_ event: AuditEvent) { list.withLock { $0.append(event) } }
        func add(trouble word: String) { words.withLock { $0.append(word) } }
        var all: [AuditEvent] { list.withLock { $0 } }
        var troubles: [String] { words.withLock { $0 } }
    }

    init(store given: (any SessionStore)? = nil, accounts: (any AccountStore)? = nil, _ change: (inout PortalOptions) -> Void = { _ in }) {
        let clock = clock, events = events
        let corp = ConnectionOptions(
            id: "corp", name: .init(zh: "企业微信", en: "WeCom"), plainNames: true,
            .wecom(WeComApp(corpID: "ww0123456789abcdef", agentID: 1_000_002, secret: "s")))
        var partnerApp = WeComApp(corpID: "wwfedcba9876543210", agentID: 7, secret: "s")
        partnerApp.autoLogin = false
        let partnerOptions = ConnectionOptions(id: "partner", name: .init(zh: "合作伙伴", en: "Partner"), plainNames: false, .wecom(partnerApp))
        options = PortalOptions(
            authOrigin: Self.auth,
            sites: [
                .init(id: "wiki", origin: Self.wiki, trustedOrigins: ["https://portal.corp.example"]),
                .init(id: "crm", origin: Self.crm), .init(id: "crm-admin", origin: Self.crm, path: "/admin"),
            ],
            connections: [corp, partnerOptions], now: { clock.now })
        options.ownershipFiles = ["WW_verify_YpAqDE4xoAPsmGSK.txt"]
        change(&options)
        let store = given ?? MemoryStore(limits: options.limits)
        self.store = store
        portal = Portal(
            options: options, store: store, accounts: accounts, providers: ["corp": provider, "partner": partner], records: PortalRecords(audit: { events.add($0) }, trouble: { word, _ in events.add(trouble: word) }), suspicions: suspicions,
            publicKeys: { Array(#"{"keys":[]}"#.utf8) })
        provider.knows("ZhangSan", by: "code-zhangsan", name: "张三")
        provider.knows("lisi", by: "code-lisi")
        partner.knows("wangwu", by: "code-wangwu")
    }
}

/// A browser: cookies by host, and the fields that it sends.
final class Browser {
    static let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36"
    static let weCom = "Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 Chrome/129.0 Safari/537.36 wxwork/5.0.3 (MicroMessenger/6.2) WindowsWechat"
    static let phone = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537.36"

    let gate: Gate
    var agent: String
    var language = "zh-CN"
    var keepsCookies = true
    private(set) var jar: [String: [String: String]] = [:]

    init(_ gate: Gate, agent: String = Browser.chrome) {
        self.gate = gate
        self.agent = agent
    }

    func cookie(_ name: String, at origin: Origin) -> String? { jar[origin.host]?[name] }
    func set(_ name: String, _ value: String?, at origin: Origin) { jar[origin.host, default: [:]][name] = value }

    /// Loads an address, as a navigation unless `accept` says otherwise.
    func get(_ address: String, method: String = "GET", accept: String = "text/html", _ more: [(String, String)] = []) async -> OwnResponse {
        let (origin, request) = await request(address, method: method, accept: accept, more)
        let response = await gate.portal.respond(to: request)
        keep(response, origin)
        return response
    }

    /// What the proxy does where a rule asks for a login.
    func visit(_ address: String, method: String = "GET", accept: String = "text/html", audience: Audience = .navigation,
               _ more: [(String, String)] = []) async -> OwnResponse {
        let (origin, request) = await request(address, method: method, accept: accept, more)
        let response = gate.portal.answer(.loginRequired, to: request, audience: audience)
        keep(response, origin)
        return response
    }

    func request(_ address: String, method: String = "GET", accept: String = "text/html", _ more: [(String, String)] = []) async
        -> (Origin, OwnRequest)
    {
        let place = ReturnlessAddress(address)
        var fields = Fields()
        fields.append("User-Agent", agent)
        fields.append("Accept", accept)
        fields.append("Accept-Language", language)
        let cookies = (jar[place.origin.host] ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        if !cookies.isEmpty { fields.append("Cookie", cookies.joined(separator: "; ")) }
        for (name, value) in more { fields.append(name, value) }
        var session: SessionRecord?
        if place.origin != Gate.auth || gate.options.sites.contains(where: { $0.origin == Gate.auth }),
           let value = cookie("__Host-menwei", at: place.origin),
           case .live(let record)? = try? await gate.store.lookup(Digest.sha256(value), at: .host(place.origin.host), now: gate.clock.now)
        {
            session = record
        }
        let site = gate.options.sites.filter { $0.origin == place.origin && (place.path + "/").hasPrefix($0.path == "/" ? "/" : $0.path + "/") }
            .max { $0.path.count < $1.path.count }?.id
        return (place.origin, OwnRequest(
            method: method, origin: place.origin, authority: place.origin.authority, path: place.path, target: place.target, query: place.query,
            fields: fields, body: [], client: "192.0.2.7", version: .http11, requestID: "req-0123456789", session: session, site: site))
    }

    /// Follows redirects and self-going pages until WeCom or a page; the last answer and the addresses on the way.
    func follow(_ response: OwnResponse, limit: Int = 20) async -> (response: OwnResponse, path: [String]) {
        var response = response, path: [String] = []
        while path.count < limit {
            guard let next = response.location ?? response.refresh else { return (response, path) }
            let address = next.hasPrefix("/") ? Gate.auth.text + next : next
            path.append(address)
            guard address.contains(".corp.example"), address.contains("/.menwei/"), !address.hasPrefix("https://open."),
                  !address.hasPrefix("https://login.")
            else { return (response, path) }
            response = await get(address)
        }
        return (response, path)
    }

    private func keep(_ response: OwnResponse, _ origin: Origin) {
        guard keepsCookies else { return }
        for cookie in response.cookies {
            let pair = cookie.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = pair.count == 2 ? String(pair[1]) : ""
            jar[origin.host, default: [:]][String(pair[0])] = cookie.contains("Max-Age=0") ? nil : value
        }
    }
}

/// An https address taken apart.
struct ReturnlessAddress {
    var origin: Origin
    var target: String
    var path: String
    var query: String

    init(_ address: String) {
        let rest = address.dropFirst("https://".count)
        let authority = rest.prefix { $0 != "/" }
        let parts = authority.split(separator: ":")
        origin = Origin(host: String(parts[0]), port: parts.count > 1 ? UInt16(parts[1]) ?? 0 : 443)
        target = String(rest.dropFirst(authority.count).prefix { $0 != "#" })
        path = String(target.prefix { $0 != "?" })
        query = String(target.dropFirst(path.count).dropFirst())
    }
}

extension OwnResponse {
    func field(_ name: String) -> String? { fields.first { $0.name.lowercased() == name.lowercased() }?.value }
    var location: String? { field("Location") }
    var cookies: [String] { fields.filter { $0.name == "Set-Cookie" }.map(\.value) }
    var text: String { String(decoding: body, as: UTF8.self) }
    /// Where a self-going page leads.
    var refresh: String? {
        guard let start = text.range(of: "content=\"0;url=") else { return nil }
        return unescaped(String(text[start.upperBound...].prefix { $0 != "\"" }))
    }
    /// Every `href` and `src` of the page.
    var links: [String] {
        text.split(separator: "\"").enumerated().compactMap { index, part in
            let before = text.split(separator: "\"")
            guard index > 0, before[index - 1].hasSuffix("href=") || before[index - 1].hasSuffix("src=") else { return nil }
            return unescaped(String(part))
        }
    }
}

func unescaped(_ text: String) -> String {
    text.replacingAll("&amp;", "&").replacingAll("&lt;", "<").replacingAll("&gt;", ">").replacingAll("&quot;", "\"").replacingAll("&#39;", "'")
}

extension String {
    func range(of needle: String) -> Range<Index>? {
        var at = startIndex
        while at < endIndex {
            if self[at...].hasPrefix(needle) { return at..<index(at, offsetBy: needle.count) }
            at = index(after: at)
        }
        return nil
    }
    func replacingAll(_ old: String, _ new: String) -> String {
        var out = "", rest = self[...]
        while let range = String(rest).range(of: old) {
            let head = String(rest)
            out += head[..<range.lowerBound] + new
            rest = Substring(head[range.upperBound...])
        }
        return out + rest
    }
    /// The value of a query parameter, decoded.
    func parameter(_ name: String) -> String? {
        Query(String(self.drop { $0 != "?" }.dropFirst().prefix { $0 != "#" })).one(name)
    }
}
