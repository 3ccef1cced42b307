/// One way to log in: a WeCom app of one corp (README, *Configure*, `connections`).
public struct ConnectionOptions: Sendable, Equatable {
    /// Text on the button, by language; a plain string serves all.
    public struct Name: Sendable, Equatable {
        public var zh: String
        public var en: String
        public init(zh: String, en: String) {
            self.zh = zh
            self.en = en
        }
    }
    public enum Scope: String, Sendable {
        case base = "snsapi_base"
        case privateInfo = "snsapi_privateinfo"
    }
    public struct Endpoints: Sendable, Equatable {
        public var api = "https://qyapi.weixin.qq.com"
        public var authorize = "https://open.weixin.qq.com/connect/oauth2/authorize"
        public var webLogin = "https://login.work.weixin.qq.com/wwlogin/sso/login"
        /// The path of the identity call under `/cgi-bin/`: `auth/getuserinfo`, or `user/getuserinfo` for old private deployments.
        public var userinfo = "auth/getuserinfo"
        public init() {}
    }

    public var id: String
    public var name: Name
    public var plainNames: Bool
    public var corpID: String
    public var agentID: Int
    public var secret: String
    public var scope = Scope.base
    public var autoLogin = true
    public var visibleRangeOnly = true
    public var endpoints = Endpoints()

    public init(id: String, name: Name, plainNames: Bool, corpID: String, agentID: Int, secret: String) {
        self.id = id
        self.name = name
        self.plainNames = plainNames
        self.corpID = corpID
        self.agentID = agentID
        self.secret = secret
    }
}

extension ConnectionOptions: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Without the secret, wherever options end up in a text.
    public var description: String { "connection \(id)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["id": id]) }
}
