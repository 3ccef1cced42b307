/// What an administrator ticked as an app's visible range.
public struct VisibleRange: Equatable, Sendable {
    public var users: [String]
    public var departments: [Int]
    public var tags: [Int]

    public init(users: [String] = [], departments: [Int] = [], tags: [Int] = []) {
        self.users = users
        self.departments = departments
        self.tags = tags
    }
}

/// One self-built app of a simulated corp.
public struct SimulatedApp: Equatable, Sendable {
    public var agentID: Int
    public var name: String
    public var secret: String
    /// 可信域名: `host` or `host:port`, compared with the redirect_uri's authority as a whole; the first is what agent/get tells.
    public var trustedDomains: [String]
    /// 授权回调域 of the web login; the trusted domains serve for it too.
    public var webCallbackDomains: [String]
    public var visible: VisibleRange
    /// 企业可信IP; nil for an app from before 2022-06-20, which has no such list. An empty list refuses everybody with 60020.
    public var trustedIPs: [String]?
    public var isDisabled = false
    /// An app from before 2022-06-20: user/get shows it phone and e-mail.
    public var readsPrivateFields = false

    public init(agentID: Int, name: String, secret: String, trustedDomains: [String], webCallbackDomains: [String] = [], visible: VisibleRange,
                trustedIPs: [String]?) {
        self.agentID = agentID
        self.name = name
        self.secret = secret
        self.trustedDomains = trustedDomains
        self.webCallbackDomains = webCallbackDomains
        self.visible = visible
        self.trustedIPs = trustedIPs
    }

    /// Whether people may be sent back to that authority, by the in-app page or by the web login page.
    func allows(authority: String, way: LoginWay) -> Bool {
        trustedDomains.contains { $0.lowercased() == authority }
            || way == .web && webCallbackDomains.contains { $0.lowercased() == authority }
    }
}

/// The two ways to a code.
public enum LoginWay: Equatable, Sendable {
    case app
    case web
}
