internal import Bytes

/// Why one of the two pages shows an error instead of going on. The gateway never sees one of these: the person does.
struct PageFault: Error, Equatable {
    /// A short fixed word for tests, or the code that the real page shows.
    var code: String
    var zh: String
    var en: String
}

/// What one of the two pages does.
enum PageOutcome: Equatable {
    /// 302, an absolute address.
    case redirect(String)
    /// Ask who scans.
    case choose(corp: SimulatedCorp, app: SimulatedApp)
    /// Ask whether the app may read phone, e-mail and so on.
    case consent(corp: SimulatedCorp, app: SimulatedApp, name: String)
    /// The phone says: outside the visible range.
    case noPermission(name: String)
}

/// Where a page sends people, checked.
struct ReturnAddress: Equatable {
    var text: String
    /// `host` or `host:port` as it stands there, in lower case.
    var authority: String

    init(_ text: String?) throws(PageFault) {
        guard let text, !text.isEmpty, text.utf8.count <= 4096, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }) else {
            throw .redirectURI
        }
        let lower = text.lowercased()
        guard let scheme = ["https://", "http://"].first(where: { lower.hasPrefix($0) }) else { throw .redirectURI }
        let authority = lower.dropFirst(scheme.count).prefix { !"/?#".contains($0) }
        guard !authority.isEmpty, !authority.contains("@") else { throw .redirectURI }
        self.text = text
        self.authority = String(authority)
    }

    /// An existing query is kept; `code` and `state` are appended, behind a fragment too, as the real page does to those who put one there.
    func with(code: String?, state: String) -> String {
        text + (text.contains("?") ? "&" : "?") + (code.map { "code=\($0)&" } ?? "") + "state=" + Form.encode(state)
    }
}

extension PageFault {
    static let redirectURI = PageFault(code: "redirect_uri", zh: "redirect_uri 参数错误", en: "redirect_uri is missing or malformed")
    static let untrusted = PageFault(code: "redirect_uri", zh: "redirect_uri 需使用应用可信域名", en: "the host and port of redirect_uri are not the app's trusted domain")
    static let corpID = PageFault(code: "appid", zh: "appid 参数错误：没有这个企业", en: "appid: there is no such corp")
    static let agentID = PageFault(code: "agentid", zh: "agentid 参数错误", en: "agentid: the corp has no such app")
    static let responseType = PageFault(code: "response_type", zh: "response_type 必须为 code", en: "response_type must be code")
    static let scope = PageFault(code: "scope", zh: "scope 参数错误", en: "scope must be snsapi_base or snsapi_privateinfo")
    static let state = PageFault(code: "state", zh: "state 只能是 a-zA-Z0-9，最长 128 字节", en: "state may be a-zA-Z0-9 only, 128 bytes at the most")
    static let client = PageFault(code: "client", zh: "请在企业微信客户端打开链接", en: "open this link in the WeCom client")
    static let range = PageFault(code: "range", zh: "你不在该应用的可见范围内", en: "you are not in the visible range of this app")
    static let loginType = PageFault(code: "login_type", zh: "login_type 必须为 CorpApp", en: "login_type must be CorpApp (others are not simulated)")
    static let redirectType = PageFault(code: "redirect_type", zh: "未模拟这种 redirect_type", en: "this redirect_type is not simulated")
    static let person = PageFault(code: "sim_user", zh: "模拟企业中没有这个人", en: "sim_user: there is no such person")
    /// The one code of this page that is known from public notes.
    static let webDomain = PageFault(code: "-31020", zh: "redirect_uri 与应用的授权回调域不一致（-31020）", en: "redirect_uri does not match the app's callback domain (-31020)")
}

extension SimulatedWorld {
    /// The in-app page `GET /connect/oauth2/authorize` (D/91022): silent with snsapi_base. `phone` is who holds the phone where the request names one.
    mutating func authorize(_ form: Form, userAgent: String, phone: String?, now: WallTime,
                            random: inout some RandomNumberGenerator) throws(PageFault) -> PageOutcome {
        let agent = userAgent.lowercased()
        // Plain WeChat runs the same page for the corp's apps (the WeChat plugin of WeCom).
        guard agent.contains("wxwork") || agent.contains("micromessenger") else { throw .client }
        guard let corp = form["appid"].flatMap({ corp($0) }) else { throw .corpID }
        let address = try ReturnAddress(form["redirect_uri"])
        guard form["response_type"] == "code" else { throw .responseType }
        guard let scope = form["scope"], ["snsapi_base", "snsapi_privateinfo"].contains(scope) else { throw .scope }
        let state = form["state"] ?? ""
        guard state.utf8.count <= 128, state.utf8.allSatisfy({ ($0 | 0x20) &- 0x61 < 26 || $0 &- 0x30 < 10 }) else { throw .state }
        let app = try Self.app(of: corp, form["agentid"], address)
        guard let person = person(form["sim_user"] ?? phone ?? phoneUser, for: corp) else { throw .person }
        // Without an agentid, privateinfo counts as base.
        let wantsPrivate = scope == "snsapi_privateinfo" && form["agentid"] != nil
        if wantsPrivate {
            guard case .member(let member) = person, corp.isVisible(member, to: app) else { throw .range }
            switch form["sim_consent"] {
            case "yes": break
            case "no": return .redirect(address.with(code: nil, state: state))
            default: return .consent(corp: corp, app: app, name: member.name)
            }
        }
        let code = issueCode(corp: corp.id, agent: form["agentid"] == nil ? nil : app.agentID, authority: address.authority, way: .app, person: person,
                             wantsPrivate: wantsPrivate, now: now, random: &random)
        return .redirect(address.with(code: code, state: state))
    }

    /// The app that is asked for; without an agentid, one of the corp's that trusts the domain.
    private static func app(of corp: SimulatedCorp, _ text: String?, _ address: ReturnAddress) throws(PageFault) -> SimulatedApp {
        guard let text else {
            guard let app = corp.apps.first(where: { $0.allows(authority: address.authority, way: .app) }) else { throw .untrusted }
            return app
        }
        guard let id = Int(text), let app = corp.app(id) else { throw .agentID }
        guard app.allows(authority: address.authority, way: .app) else { throw .untrusted }
        return app
    }

    /// The web login page `GET /wwlogin/sso/login` (D/98171). `sim_user=ID` is the scan, `sim_refuse=1` the refusal; without them the planned
    /// scan counts where `mayJump`, else the page asks.
    mutating func webLogin(_ form: Form, mayJump: Bool, now: WallTime, random: inout some RandomNumberGenerator) throws(PageFault) -> PageOutcome {
        guard form["login_type"] == "CorpApp" else { throw .loginType }
        guard let corp = form["appid"].flatMap({ corp($0) }) else { throw .corpID }
        guard let app = form["agentid"].flatMap({ Int($0) }).flatMap({ corp.app($0) }) else { throw .agentID }
        let address = try ReturnAddress(form["redirect_uri"])
        guard app.allows(authority: address.authority, way: .web) else { throw .webDomain }
        guard ["top", "self"].contains(form["redirect_type"] ?? "top") else { throw .redirectType }
        let state = form["state"] ?? ""
        var scan = form["sim_user"].map { Scan.person($0) } ?? (form["sim_refuse"] == nil ? nil : Scan.refuse)
        if scan == nil, mayJump {
            scan = nextScan
            nextScan = nil
        }
        switch scan {
        case nil: return .choose(corp: corp, app: app)
        case .refuse: return .redirect(address.with(code: nil, state: state))
        case .person(let key):
            guard let person = person(key, for: corp) else { throw .person }
            if case .member(let member) = person, !corp.isVisible(member, to: app) { return .noPermission(name: member.name) }
            let code = issueCode(corp: corp.id, agent: app.agentID, authority: address.authority, way: .web, person: person, wantsPrivate: false,
                                 now: now, random: &random)
            return .redirect(address.with(code: code, state: state))
        }
    }
}
