/// A self-built app (自建应用) of a corp, or one that a provider built for it (代开发): with a permanent code in the secret's place it is used alike.
public struct WeComApp: Sendable, Equatable {
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

    /// 企业ID; `wl…` with private deployments.
    public var corpID: String
    public var agentID: Int
    public var secret: String
    public var scope = Scope.base
    /// Silent login inside WeCom; one connection at most.
    public var autoLogin = true
    /// Whom the app does not see stays out.
    public var visibleRangeOnly = true
    /// For WeCom's callbacks; nil: it sends none.
    public var events: CallbackKeys?
    public var endpoints = Endpoints()

    public init(corpID: String, agentID: Int, secret: String) {
        self.corpID = corpID
        self.agentID = agentID
        self.secret = secret
    }
}

extension WeComApp: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Without the secret.
    public var description: String { "app \(agentID) of \(corpID)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["corpID": corpID, "agentID": agentID]) }
}
