/// What a code of WeChat's brought: whom it stands for, and the right to ask once for more. Nothing of it is kept.
public struct WeChatGrant: Sendable, Equatable {
    public var token: Hidden
    /// The person's id with this app.
    public var openID: String
    /// The person's id with all apps of one Open Platform account; nil where the app belongs to none.
    public var unionID: String?
}

/// WeChat's login for website apps (Open Platform, 网站应用): two calls from the code to a person. Pure, like `WeComProtocol`.
///
/// The three tokens that the first call brings are dropped once the second was made: nothing here asks WeChat about a person again.
public struct WeChatProtocol: Sendable {
    private let app: WeChatApp

    public init(_ app: WeChatApp) { self.app = app }

    // MARK: sns/oauth2/access_token

    public static let exchangeAPI = "sns/oauth2/access_token"

    public func exchange(code: String) -> APICall {
        call(Self.exchangeAPI, ["appid": app.appID, "secret": app.secret, "code": code, "grant_type": "authorization_code"])
    }

    public func readExchange(_ answer: APIAnswer) throws(WeComError) -> WeChatGrant {
        let reader = try open(answer, of: Self.exchangeAPI)
        let token: String? = try reader.value("access_token")
        let openID = try id("openid", reader, Self.exchangeAPI)
        guard let openID, let token, 1...512 ~= token.utf8.count, token.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else { throw .badAnswer(Self.exchangeAPI) }
        return WeChatGrant(token: Hidden(token), openID: openID, unionID: try id("unionid", reader, Self.exchangeAPI))
    }

    // MARK: sns/userinfo

    public func person(_ grant: WeChatGrant) -> APICall {
        call("sns/userinfo", ["access_token": grant.token.text, "openid": grant.openID, "lang": "zh_CN"])
    }

    /// The person: the `unionid` where WeChat gives one, else the `openid`, and the nickname where it is shown. An answer about somebody else is a bad one.
    public func readPerson(_ answer: APIAnswer, _ grant: WeChatGrant) throws(WeComError) -> DirectoryMember {
        let api = "sns/userinfo"
        let reader = try open(answer, of: api)
        guard try id("openid", reader, api) == grant.openID else { throw .badAnswer(api) }
        let unionID = try id("unionid", reader, api)
        if let unionID, let known = grant.unionID, unionID != known { throw .badAnswer(api) }
        var person = DirectoryMember(user: unionID ?? grant.unionID ?? grant.openID)
        person.name = reader.looseText("nickname", limit: 512)
        return person
    }

    // MARK: what both share

    private func call(_ api: String, _ parameters: KeyValuePairs<String, String>) -> APICall {
        var url = EndpointURL(app.endpoints.api)
        url.descend("/" + api)
        for (name, value) in parameters { url.add(name, value) }
        return APICall(api: api, method: .get, url: url.text(), timeout: WeComProtocol.timeout)
    }

    /// An id: letters, digits, `_` and `-`, at most 64; nil where there is none.
    private func id(_ name: String, _ reader: AnswerReader, _ api: String) throws(WeComError) -> String? {
        guard let text: String = try reader.value(name), !text.isEmpty else { return nil }
        let isPlain = text.utf8.count <= 64 && text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isPlain else { throw .badAnswer(api) }
        return text
    }

    /// The answer's object. Where all is well there is no `errcode`. The status is 200 either way, and the type often `text/plain`.
    private func open(_ answer: APIAnswer, of api: String) throws(WeComError) -> AnswerReader {
        guard answer.status == 200 else { throw .badAnswer(api) }
        let reader = try AnswerReader(answer.body, of: api, limit: WeComProtocol.answerLimit)
        let code: Int = try reader.value("errcode") ?? 0
        if code == 0 { return reader }
        throw WeComError(api: api, errcode: code, kind: WeChatCode.kind(of: code))
    }
}
