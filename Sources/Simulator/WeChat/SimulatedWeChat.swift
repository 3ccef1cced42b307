internal import Bytes
internal import Crypto

/// A website app (网站应用) of the WeChat Open Platform.
public struct SimulatedWeChatApp: Equatable, Sendable {
    public var appID: String
    public var secret: String
    public var name: String
    /// 授权回调域: hosts, without port and path.
    public var callbackDomains: [String]
    /// The app belongs to an Open Platform account with several: people have a `unionid` there.
    public var hasUnionIDs = true
    /// Approved for WeChat login; else 48001.
    public var isApproved = true

    public init(appID: String, secret: String, name: String, callbackDomains: [String]) {
        self.appID = appID
        self.secret = secret
        self.name = name
        self.callbackDomains = callbackDomains
    }
}

/// Somebody with WeChat: a consumer, nobody's employee.
public struct SimulatedWeChatUser: Equatable, Sendable {
    /// How forms and the control interface name them.
    public var key: String
    public var nickname: String
    public var unionID: String

    public init(_ key: String, _ nickname: String) {
        self.key = key
        self.nickname = nickname
        unionID = "oUnion" + Self.letters(key, 22)
    }

    /// Another one with each app.
    public func openID(with appID: String) -> String { "o" + Self.letters(appID + " " + key, 27) }

    private static func letters(_ text: String, _ count: Int) -> String { String(Base64URL.encode(Digest.sha256(text).bytes).prefix(count)) }
}

/// The part of the world that is WeChat's: apps, people, and what was issued.
public struct SimulatedWeChat: Sendable {
    struct Code: Sendable {
        var appID: String
        var user: String
        var expires: WallTime
        var isSpent = false
    }
    struct Token: Sendable {
        var appID: String
        var user: String
        var expires: WallTime
    }

    public var apps: [SimulatedWeChatApp]
    public var users: [SimulatedWeChatUser]
    var codes: [String: Code] = [:]
    var tokens: [String: Token] = [:]

    public init(apps: [SimulatedWeChatApp] = [], users: [SimulatedWeChatUser] = []) {
        self.apps = apps
        self.users = users
    }

    /// The world of the demo and of the tests: one app, three people.
    public static func standard(callbackDomains: [String]) -> SimulatedWeChat {
        SimulatedWeChat(
            apps: [SimulatedWeChatApp(appID: "wx0123456789abcdef", secret: "wechat-secret", name: "门卫", callbackDomains: callbackDomains)],
            users: [SimulatedWeChatUser("xiaoming", "小明"), SimulatedWeChatUser("xiaohong", "小红"), SimulatedWeChatUser("laowang", "")])
    }

    func app(_ id: String?) -> SimulatedWeChatApp? { apps.first { $0.appID == id } }
    func user(_ key: String) -> SimulatedWeChatUser? { users.first { $0.key == key } }

    /// A code waits ten minutes for its one exchange.
    mutating func issueCode(appID: String, user: String, now: WallTime, random: inout some RandomNumberGenerator) -> String {
        if codes.count >= SimulatedWorld.capacity { codes = codes.filter { $0.value.expires > now } }
        if codes.count >= SimulatedWorld.capacity { codes.removeAll() }
        let code = SimulatedWorld.opaque(32, &random)
        codes[code] = Code(appID: appID, user: user, expires: now.advanced(by: .seconds(600)))
        return code
    }

    mutating func issueToken(appID: String, user: String, now: WallTime, random: inout some RandomNumberGenerator) -> String {
        if tokens.count >= SimulatedWorld.capacity { tokens = tokens.filter { $0.value.expires > now } }
        if tokens.count >= SimulatedWorld.capacity { tokens.removeAll() }
        let token = SimulatedWorld.opaque(110, &random)
        tokens[token] = Token(appID: appID, user: user, expires: now.advanced(by: .seconds(7200)))
        return token
    }
}
