/// Why a call to WeCom, or to WeChat, gave no result: which call, which code. Never WeCom's `errmsg`, which is not for people and holds addresses and ids.
public struct WeComError: Error, Equatable, Sendable {
    /// What kind of trouble it is, hence who can do something about it.
    public enum Kind: String, Sendable {
        /// WeCom is busy or limits us; the same may work later.
        case transient
        /// The connection or the app is set up wrongly; an administrator must act.
        case config
        /// The access token is no longer good.
        case token
        /// It is about the person who logs in, or about their code.
        case user
        /// Our call was wrong, or the code is unknown.
        case bug
        /// The answer was not what the interface promises: not JSON, HTML, wrong types, too long, an HTTP error.
        case badAnswer
        /// No answer: no connection, no certificate that holds, time limit.
        case unreachable
    }

    /// The call's path under `/cgi-bin/`: `gettoken`, `auth/getuserinfo`, `user/get`. WeChat's begin with `sns/`.
    public var api: String
    /// WeCom's `errcode`; nil where there was no readable answer.
    public var errcode: Int?
    public var kind: Kind
    /// The address that WeCom saw us come from; only with 60020 (not a trusted IP), and only where it is an IP literal.
    public var callerAddress: String?
    /// Why there was no answer, in a word for the record (`timeout`, `tls`).
    public var transport: String?
    /// libcurl's number for it (`CURLcode`), for the administrator.
    public var transportCode: Int?

    /// A refusal by WeCom: `errcode` other than 0.
    public init(api: String, errcode: Int, callerAddress: String? = nil) {
        self.api = api
        self.errcode = errcode
        self.kind = ErrorCode.kind(of: errcode)
        self.callerAddress = callerAddress
    }

    /// A refusal by another list of codes than WeCom's.
    init(api: String, errcode: Int, kind: Kind) {
        self.api = api
        self.errcode = errcode
        self.kind = kind
    }

    /// No readable answer.
    /// - Parameters:
    ///   - transport: why, in a word.
    ///   - code: libcurl's number for it.
    public init(api: String, kind: Kind, transport: String? = nil, code: Int? = nil) {
        self.api = api
        self.kind = kind
        self.transport = transport
        transportCode = code
    }

    /// WeChat's, whose codes mean something else here and there.
    var isWeChats: Bool { api.hasPrefix("sns/") }

    public static func badAnswer(_ api: String) -> WeComError { WeComError(api: api, kind: .badAnswer) }
    public static func unreachable(_ api: String) -> WeComError { WeComError(api: api, kind: .unreachable) }

    /// Whether the token that was used should be dropped and the call repeated once with a new one: 40014, 42001, and 41001 to be safe.
    public var asksForNewToken: Bool { errcode == ErrorCode.badToken || errcode == ErrorCode.expiredToken || errcode == ErrorCode.missingToken }
}
