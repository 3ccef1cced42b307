/// What WeChat's answer to a code that it never gave says of a connection: that is all that can be asked about a website app.
public struct WeChatCheckup: Sendable {
    let connection: String
    let app: WeChatApp
    /// The auth origin's host, as WeChat has to know it.
    let host: String
    /// `sns/oauth2/access_token`: 40029 is how it should fail.
    let error: WeComError

    public init(connection: String, app: WeChatApp, host: String, error: WeComError) {
        self.connection = connection
        self.app = app
        self.host = host
        self.error = error
    }

    public var findings: [Finding] {
        let page = "微信开放平台 (open.weixin.qq.com) → 管理中心 (Management) → 网站应用 (Website apps) → \(app.appID)"
        switch error.errcode {
        case ErrorCode.badCode, ErrorCode.spentCode, ErrorCode.expiredCode:
            return [
                finding(.ok, "api", "\(app.endpoints.api) answers"),
                finding(.ok, "secret", "it is that of \(app.appID)"),
                finding(.warn, "callback-domain", "WeChat does not tell it; it must be \(host): \(page) → 授权回调域 (Callback domain)"),
            ]
        case WeChatCode.badAppID: return [finding(.fail, "app-id", "WeChat knows no app \(app.appID) (40013): copy AppID from \(page)")]
        case ErrorCode.badSecret, WeChatCode.wrongSecret:
            return [finding(.fail, "secret", "WeChat does not take it (\(error.errcode ?? 0)): \(page) → AppSecret → 重置 (Reset), and enter the new one here")]
        case WeChatCode.notGranted:
            return [finding(.fail, "app", "it may not log people in (48001): \(page) → 接口信息 (APIs) → 微信登录 (Login); the app and its developer must be approved")]
        default: return [finding(.fail, "api", CallTrouble.text(error, endpoint: app.endpoints.api))]
        }
    }

    private func finding(_ grade: Finding.Grade, _ check: String, _ message: String) -> Finding { Finding(grade, connection, check, message) }
}
