/// A website app (网站应用) of the WeChat Open Platform.
public struct WeChatApp: Sendable, Equatable {
    public struct Endpoints: Sendable, Equatable {
        public var api = "https://api.weixin.qq.com"
        public var authorize = "https://open.weixin.qq.com/connect/qrconnect"
        public init() {}
    }

    /// AppID: `wx` and 16 hex digits.
    public var appID: String
    /// AppSecret.
    public var secret: String
    public var endpoints = Endpoints()

    public init(appID: String, secret: String) {
        self.appID = appID
        self.secret = secret
    }
}

extension WeChatApp: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Without the secret.
    public var description: String { "WeChat app \(appID)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["appID": appID]) }
}
