public import Bytes

/// Something that an administrator may have to account for later (README, *Operate*). Members that do not apply stay nil and are left out.
public struct AuditEvent: Equatable, Sendable {
    public enum Kind: String, CaseIterable, Sendable {
        case login
        case loginFailed = "login_failed"
        case logout, denied, observed, revoked, gone, reload
        case keyRotated = "key_rotated"
        case admin, scan
    }

    public var kind: Kind
    public var account: String?
    /// The id by which the connection knows them, where they have no account.
    public var user: String?
    public var connection: String?
    /// The client's address.
    public var client: String?
    public var sid: String?
    /// `ok`, or a short fixed word.
    public var result: String?
    /// WeCom's code, and the call that it answered.
    public var errcode: Int?
    public var api: String?
    public var requestID: String?
    public var site: String?
    public var rule: String?

    public init(_ kind: Kind, account: String? = nil, user: String? = nil, connection: String? = nil, client: String? = nil, sid: String? = nil, result: String? = nil,
                errcode: Int? = nil, api: String? = nil, requestID: String? = nil, site: String? = nil, rule: String? = nil) {
        self.kind = kind
        self.account = account
        self.user = user
        self.connection = connection
        self.client = client
        self.sid = sid
        self.result = result
        self.errcode = errcode
        self.api = api
        self.requestID = requestID
        self.site = site
        self.rule = rule
    }

    /// Writes the event as a whole line.
    public func encode(into line: inout JSONLine, at time: WallTime) {
        line.begin()
        line.add("event", kind.rawValue)
        line.add("time", time)
        let texts: [(StaticString, String?)] = [
            ("account", account), ("user", user), ("connection", connection), ("client", client), ("sid", sid), ("result", result), ("api", api),
            ("request_id", requestID), ("site", site), ("rule", rule),
        ]
        for (key, value) in texts {
            if let value { line.add(key, value) }
        }
        if let errcode { line.add("errcode", errcode) }
        line.end()
    }
}
