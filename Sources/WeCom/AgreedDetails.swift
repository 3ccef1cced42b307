/// What a member agreed to show an app (developer document 95833). Texts that were not agreed to, or that the administrator does not let the app see, are
/// empty.
public struct AgreedDetails: Equatable, Sendable {
    /// Who it is, as WeCom wrote it.
    public var user: String
    /// `email`, else `biz_mail`; at most 254 bytes.
    public var email: String
    /// At most 32 bytes.
    public var mobile: String

    public init(user: String, email: String, mobile: String) {
        self.user = user
        self.email = email
        self.mobile = mobile
    }
}

extension WeComProtocol {
    /// The path of the call under `/cgi-bin/`: old private deployments have it where they have the identity call.
    private var detailsAPI: String { app.endpoints.userinfo == "user/getuserinfo" ? "user/getuserdetail" : "auth/getuserdetail" }

    /// What opens the details, beside whom the code stands for: nil for everybody but members who agreed to something.
    public func readTicket(_ answer: APIAnswer) throws(WeComError) -> (user: String, ticket: Hidden)? {
        guard case .member(let user) = try readIdentity(answer) else { return nil }
        let ticket: String? = try open(answer, of: app.endpoints.userinfo).value("user_ticket")
        guard let ticket, !ticket.isEmpty else { return nil }
        guard ticket.utf8.count <= 512, ticket.utf8.allSatisfy({ 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) else {
            throw .badAnswer(app.endpoints.userinfo)
        }
        return (user, Hidden(ticket))
    }

    public func details(ticket: Hidden, token: Hidden) -> APICall {
        var call = call(detailsAPI, ["access_token": token.text])
        call.method = .post
        call.body = Array("{\"user_ticket\":\"\(ticket.text)\"}".utf8)
        return call
    }

    /// - Parameter user: whose ticket it was; an answer about somebody else is a bad one.
    public func readDetails(_ answer: APIAnswer, user: String) throws(WeComError) -> AgreedDetails {
        let reader = try open(answer, of: detailsAPI)
        guard let named = try reader.value("userid", as: String.self), named.lowercased() == user.lowercased() else { throw .badAnswer(detailsAPI) }
        var details = AgreedDetails(user: named, email: reader.looseText("email", limit: 254), mobile: reader.looseText("mobile", limit: 32))
        if details.email.isEmpty { details.email = reader.looseText("biz_mail", limit: 254) }
        return details
    }
}
