internal import Access
internal import Bytes
internal import Proxy
internal import WeCom

/// People take their time over a code or a question, and may have left the company meanwhile.
extension Portal {
    /// What the directory said stands that long: 5 s. An event that comes later finds the session (`Suspicions`).
    private static let fresh = Duration.seconds(5)

    /// The login that waited, as the directory has the person now. WeChat has no directory: what it told stands.
    func renewed(_ login: PendingLogin, _ connection: ConnectionOptions, _ asked: Asked) async throws(LoginRefusal) -> PendingLogin {
        guard let app = connection.wecom, asked.now >= login.identified.advanced(by: Self.fresh) else { return login }
        guard let provider = providers[connection.id] else { throw LoginRefusal(.misconfigured) }
        let found = try await provider.admit(user: login.member.user, visibleRangeOnly: app.visibleRangeOnly)
        var login = login
        login.member = Member(found, user: login.member.user, connection: connection)
        login.checked = asked.now
        return login
    }

    /// The end of a login that waited for somebody who may not come in any more.
    func refuse(_ refusal: LoginRefusal, _ login: PendingLogin, _ connection: ConnectionOptions, _ asked: Asked) -> OwnResponse {
        records.loginFailed(refusal, connection: connection.id, asked)
        return failurePage(refusal.failure, asked, connection, login.journey)
    }
}
