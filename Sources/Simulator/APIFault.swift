/// Why a call is answered with an `errcode` other than 0. Texts are those of the developer documentation's list of codes (D/90313), shortened.
public struct APIFault: Error, Equatable, Sendable {
    public var code: Int
    public var text: String

    public init(_ code: Int, _ text: String? = nil) {
        self.code = code
        self.text = text ?? Self.texts[code] ?? "simulated error"
    }

    static let texts: [Int: String] = [
        -1: "system error", 40002: "invalid grant_type", 40125: "invalid appsecret", 41009: "openid missing", 42007: "user changed password",
        45011: "api minute-quota reach limit", 48001: "api unauthorized", 91040: "invalid ticket type", 40001: "invalid credential", 40003: "invalid userid", 40013: "invalid corpid", 40014: "invalid access_token",
        40029: "invalid code", 40056: "invalid agentid", 40058: "invalid Request Parameter", 40063: "some parameters are empty", 40068: "invalid tagid",
        40091: "invalid secret", 40163: "code been used", 41001: "access_token missing", 41002: "corpid missing", 41004: "corpsecret missing",
        41008: "auth code missing", 42001: "access_token expired", 42003: "oauth_code timeout", 45009: "api freq out of limit",
        45033: "api concurrent out of limit", 48002: "api forbidden", 48004: "authorization relation invalid or canceled", 48005: "api interface is canceled",
        50001: "redirect_uri unauthorized", 50002: "member unauthorized, beyond permission range", 50003: "app disabled", 60003: "department not found",
        60011: "no privilege to access/modify contact/party/agent", 60020: "not allow to access from your ip", 60111: "userid not found",
        60123: "invalid party id", 81011: "no permission to use tag", 301002: "not allow operate another agent with this accesstoken",
        301021: "userid is invalid", 701008: "license not found",
    ]

    /// `{"errcode":40029,"errmsg":"invalid code, hint: […], from ip: …, more info at …"}`: log material, with things in it that no page may show.
    func body(hint: String, client: String) -> JSON {
        .members([
            "errcode": .int(code),
            "errmsg": .string("\(text), hint: [\(hint)], from ip: \(client), more info at https://open.work.weixin.qq.com/devtool/query?e=\(code)"),
        ])
    }
}
