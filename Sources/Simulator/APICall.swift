internal import Bytes

/// One call of the server API, taken apart.
struct APICall {
    /// The path under `/cgi-bin/`; WeChat's whole (`sns/userinfo`).
    var api: String
    var form: Form
    var body: [UInt8]
    /// The caller's address.
    var client: String

    /// The calls that the simulator knows.
    static let known: Set<String> = [
        "gettoken", "auth/getuserinfo", "user/getuserinfo", "auth/getuserdetail", "user/getuserdetail", "user/get", "department/simplelist", "department/list",
        "department/get", "tag/list", "tag/get", "agent/get",
        "get_jsapi_ticket", "ticket/get", "sns/oauth2/access_token", "sns/userinfo",
    ]

    var isWeChats: Bool { api.hasPrefix("sns/") }

    /// A query item that must not be missing or empty.
    func need(_ name: String, or code: Int) throws(APIFault) -> String {
        guard let value = form[name], !value.isEmpty else { throw APIFault(code) }
        return value
    }
}

/// Whose token a call came with.
struct APICaller {
    var corp: SimulatedCorp
    var app: SimulatedApp
}

extension SimulatedWorld {
    /// The answer to a call whose API is one of `APICall.known`, and who was asking where that became known.
    mutating func answer(_ call: APICall, now: WallTime, random: inout some RandomNumberGenerator) -> (result: Result<JSON, APIFault>, caller: APICaller?) {
        var caller: APICaller?
        do throws(APIFault) {
            if call.isWeChats { return (.success(try wechat.answer(call, now: now, random: &random)), nil) }
            if call.api == "gettoken" { return (.success(try getToken(call, caller: &caller, now: now, random: &random)), caller) }
            let known = try authenticate(call, now: now)
            caller = known
            return (.success(try answer(call, from: known, now: now, random: &random)), caller)
        } catch {
            return (.failure(error), caller)
        }
    }

    private mutating func answer(_ call: APICall, from caller: APICaller, now: WallTime,
                                 random: inout some RandomNumberGenerator) throws(APIFault) -> JSON {
        switch call.api {
        case "auth/getuserinfo", "user/getuserinfo": return try userInfo(call, from: caller, now: now, random: &random)
        default: break
        }
        try count(api: call.api, corp: caller.corp.id, now: now)
        switch call.api {
        case "auth/getuserdetail", "user/getuserdetail": return try userDetail(call, from: caller, now: now)
        case "user/get": return try caller.user(call)
        case "department/simplelist": return try caller.departments(call, full: false)
        case "department/list": return try caller.departments(call, full: true)
        case "department/get": return try caller.department(call)
        case "tag/list": return caller.tags()
        case "tag/get": return try caller.tag(call)
        case "agent/get": return try caller.agent(call)
        case "get_jsapi_ticket", "ticket/get": return try pageTicket(call, from: caller, now: now, random: &random)
        default: throw APIFault(48005)
        }
    }

    /// `GET gettoken?corpid=&corpsecret=` (D/91039). It asks for no trusted IP.
    private mutating func getToken(_ call: APICall, caller: inout APICaller?, now: WallTime,
                                   random: inout some RandomNumberGenerator) throws(APIFault) -> JSON {
        let id = try call.need("corpid", or: 41002)
        let secret = try call.need("corpsecret", or: 41004)
        guard let corp = corp(id) else { throw APIFault(40013) }
        try count(api: call.api, corp: corp.id, now: now)
        guard let app = corp.apps.first(where: { $0.secret == secret }) else { throw APIFault(40001) }
        caller = APICaller(corp: corp, app: app)
        if app.isDisabled { throw APIFault(50003) }
        let (token, expires) = issueToken(corp: corp.id, agent: app.agentID, now: now, random: &random)
        return .members([
            "errcode": 0, "errmsg": "ok", "access_token": .string(token), "expires_in": .int(Int(expires.seconds - now.seconds)),
        ])
    }

    /// Token, then trusted IP, then whether the app is enabled (agent/get answers for a disabled one too: it tells so).
    private func authenticate(_ call: APICall, now: WallTime) throws(APIFault) -> APICaller {
        let text = try call.need("access_token", or: 41001)
        guard let token = tokens[text], let corp = corp(token.corp), let app = corp.app(token.agent) else { throw APIFault(40014) }
        guard token.expires > now else { throw APIFault(42001) }
        if let trusted = app.trustedIPs, !trusted.contains(Self.plain(call.client)) { throw APIFault(60020) }
        if app.isDisabled, call.api != "agent/get" { throw APIFault(50003) }
        return APICaller(corp: corp, app: app)
    }

    /// IPv4 that came through an IPv6 socket is IPv4.
    private static func plain(_ address: String) -> String {
        address.lowercased().hasPrefix("::ffff:") && address.contains(".") ? String(address.dropFirst(7)) : address
    }
}

extension JSON: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    public init(integerLiteral value: Int) { self = .int(value) }
    public init(stringLiteral value: String) { self = .string(value) }
}
