/// What `agent/get` tells of the app itself (developer document 90227).
public struct AppReport: Equatable, Sendable {
    /// At most 128 bytes; empty where it is not told.
    public var name = ""
    /// The app is disabled (`close`).
    public var isDisabled = false
    /// 可信域名, `host` or `host:port`; empty: none is set; nil: this WeCom does not tell.
    public var trustedDomain: String?
    /// How many members, departments and tags the visible range names.
    public var users = 0
    public var departments = 0
    public var tags = 0

    public init() {}

    /// Whether nobody at all may use the app.
    public var seesNobody: Bool { users == 0 && departments == 0 && tags == 0 }
}

extension WeComProtocol {
    // MARK: agent/get

    public func report(token: Hidden) -> APICall {
        call("agent/get", ["access_token": token.text, "agentid": String(app.agentID)])
    }

    public func readReport(_ answer: APIAnswer) throws(WeComError) -> AppReport {
        let reader = try open(answer, of: "agent/get")
        var report = AppReport()
        report.name = reader.looseText("name", limit: 128)
        report.isDisabled = try reader.value("close", as: Int.self) ?? 0 != 0
        if try reader.value("redirect_domain", as: String.self) != nil { report.trustedDomain = reader.looseText("redirect_domain", limit: 300) }
        report.users = try reader.value("allow_userinfos", as: AllowedUsers.self)?.user?.count ?? 0
        report.departments = try reader.value("allow_partys", as: AllowedDepartments.self)?.partyid?.count ?? 0
        report.tags = try reader.value("allow_tags", as: AllowedTags.self)?.tagid?.count ?? 0
        return report
    }
}

private struct AllowedUsers: Decodable, Equatable {
    struct User: Decodable, Equatable { var userid: String? }
    var user: [User]?
}
private struct AllowedDepartments: Decodable, Equatable { var partyid: [Int]? }
private struct AllowedTags: Decodable, Equatable { var tagid: [Int]? }
