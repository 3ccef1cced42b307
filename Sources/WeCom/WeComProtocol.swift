/// WeCom's server API for one app: which call to make, and what its answer means. Pure; `AccessTokenCache` says when a token is due.
public struct WeComProtocol: Sendable {
    let app: WeComApp

    /// For one call, connecting included.
    public static let timeout = Duration.seconds(5)
    /// The largest answer that is read, in bytes, but for lists of departments and tags (`groupsLimit`).
    public static let answerLimit = 256 << 10

    public init(_ app: WeComApp) { self.app = app }

    // MARK: gettoken (developer document 91039)

    public func token() -> APICall {
        call("gettoken", ["corpid": app.corpID, "corpsecret": app.secret])
    }

    /// - Returns: the token (at most 512 bytes) and how long it lives (1 s to 1 day).
    public func readToken(_ answer: APIAnswer) throws(WeComError) -> FreshToken {
        try fresh("access_token", answer, of: "gettoken")
    }

    private func fresh(_ name: String, _ answer: APIAnswer, of api: String) throws(WeComError) -> FreshToken {
        let reader = try open(answer, of: api)
        let text: String? = try reader.value(name)
        let lifetime: Int? = try reader.value("expires_in")
        guard let text, 1...512 ~= text.utf8.count, text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }), let lifetime, lifetime > 0 else { throw .badAnswer(api) }
        return FreshToken(text: Hidden(text), lifetime: .seconds(min(lifetime, 86400)))
    }

    // MARK: get_jsapi_ticket, ticket/get (developer document 90506)

    /// What a page is signed with for WeCom's JS-SDK.
    public enum Ticket: String, Sendable {
        /// For `ww.register` and its `getConfigSignature`: one for the whole corp.
        case corp = "get_jsapi_ticket"
        /// For `getAgentConfigSignature`: the app's own.
        case app = "ticket/get"
    }

    public func ticket(_ kind: Ticket, token: Hidden) -> APICall {
        switch kind {
        case .corp: call(kind.rawValue, ["access_token": token.text])
        case .app: call(kind.rawValue, ["access_token": token.text, "type": "agent_config"])
        }
    }

    /// - Returns: the ticket (at most 512 bytes) and how long it lives (1 s to 1 day).
    public func readTicket(_ answer: APIAnswer, _ kind: Ticket) throws(WeComError) -> FreshToken {
        try fresh("ticket", answer, of: kind.rawValue)
    }

    // MARK: auth/getuserinfo (developer document 96442), or user/getuserinfo for old private deployments

    /// The longest code that WeCom gives, in bytes.
    public static let codeLimit = 512

    public func identity(code: String, token: Hidden) -> APICall {
        call(app.endpoints.userinfo, ["access_token": token.text, "code": code])
    }

    public func readIdentity(_ answer: APIAnswer) throws(WeComError) -> Identity {
        let api = app.endpoints.userinfo
        let reader = try open(answer, of: api)
        let user: String? = try reader.value("userid")
        if let user, !user.isEmpty {
            switch UserID(user) {
            case .own(let user): return .member(user: user)
            case .linked(let corp, let user): return .linkedMember(corp: corp, user: user)
            case nil: throw .badAnswer(api)
            }
        }
        for name in ["openid", "external_userid"] {
            let other: String? = try reader.value(name)
            if let other, !other.isEmpty { return .outsider }
        }
        throw .badAnswer(api)
    }

    // MARK: user/get (developer document 90196)

    public func member(user: String, token: Hidden) -> APICall {
        call("user/get", ["access_token": token.text, "userid": user])
    }

    /// - Parameter user: who was asked for; an answer about somebody else is a bad one.
    public func readMember(_ answer: APIAnswer, user: String) throws(WeComError) -> DirectoryMember {
        let api = "user/get"
        let reader = try open(answer, of: api)
        guard let named = try reader.value("userid", as: String.self), named.lowercased() == user.lowercased() else { throw .badAnswer(api) }
        var member = DirectoryMember(user: user)
        let status: Int? = try reader.value("status")
        member.status =
            switch status {
            case nil, 1: .active
            case 2: .disabled
            case 4: .notActivated
            case 5: .left
            case .some(let other): .other(other)
            }
        let departments: [Int]? = try reader.value("department")
        guard departments?.count ?? 0 <= 1000 else { throw .badAnswer(api) }
        member.departments = departments ?? []
        member.name = reader.looseText("name", limit: 512)
        member.email = reader.looseText("email", limit: 254)
        if member.email.isEmpty { member.email = reader.looseText("biz_mail", limit: 254) }
        member.mobile = reader.looseText("mobile", limit: 32)
        return member
    }

    // MARK: what all calls share

    func call(_ api: String, _ parameters: KeyValuePairs<String, String>) -> APICall {
        var url = EndpointURL(app.endpoints.api)
        url.descend("/cgi-bin/" + api)
        for (name, value) in parameters { url.add(name, value) }
        return APICall(api: api, method: .get, url: url.text(), timeout: Self.timeout)
    }

    /// The answer's object, once its `errcode` is 0.
    func open(_ answer: APIAnswer, of api: String, limit: Int = answerLimit) throws(WeComError) -> AnswerReader {
        guard answer.status == 200 else { throw .badAnswer(api) }
        let reader = try AnswerReader(answer.body, of: api, limit: limit)
        guard let code = try reader.value("errcode", as: Int.self) else { throw .badAnswer(api) }
        if code == 0 { return reader }
        var address: String?
        if code == ErrorCode.addressNotTrusted, let message = try? reader.value("errmsg", as: String.self) {
            address = CallerAddress.find(in: message)
        }
        throw WeComError(api: api, errcode: code, callerAddress: address)
    }
}
