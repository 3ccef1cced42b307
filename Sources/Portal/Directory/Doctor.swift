public import Outbound
public import WeCom

/// Asks WeCom, or WeChat, what is wrong with one connection. It asks on its own: nothing is kept, and nothing of the logins is touched.
public struct Doctor: Sendable {
    private let client: APIClient
    /// `auth.origin` as WeCom has to know it: host, and port where it is not 443.
    private let authority: String

    public init(caller: any HTTPCaller, authority: String) {
        client = APIClient(caller: caller) { _, _ in }
        self.authority = authority
    }

    /// - Parameters:
    ///   - departments: those of the connection that rules name, each once; likewise `tags`.
    public func examine(_ connection: ConnectionOptions, departments: [Int], tags: [Int]) async -> [Finding] {
        switch connection.kind {
        case .wecom(let app): await examine(connection.id, app, departments, tags)
        case .wechat(let app): await examine(connection.id, app)
        }
    }

    private func examine(_ id: String, _ app: WeComApp, _ departments: [Int], _ tags: [Int]) async -> [Finding] {
        let wecom = WeComProtocol(app)
        var checkup = WeComCheckup(connection: id, app: app, authority: authority)
        let token: Hidden
        do throws(WeComError) {
            token = try await client.make(wecom.token()) { (answer) throws(WeComError) in try wecom.readToken(answer) }.text
        } catch {
            checkup.tokenError = error
            return checkup.findings
        }
        do throws(WeComError) {
            checkup.report = .success(try await client.make(wecom.report(token: token)) { (answer) throws(WeComError) in try wecom.readReport(answer) })
        } catch { checkup.report = .failure(error) }
        checkup.loginError = await failure {
            () throws(WeComError) in
            _ = try await client.make(wecom.identity(code: WeComCheckup.madeUpCode, token: token)) { (answer) throws(WeComError) in try wecom.readIdentity(answer) }
        }
        if checkup.isShutOut { return checkup.findings }
        for number in departments {
            let error = await failure { () throws(WeComError) in
                try await client.make(wecom.department(number, token: token)) { (answer) throws(WeComError) in try wecom.confirmDepartment(answer) }
            }
            checkup.departments.append(WeComCheckup.Named(number, error: error))
        }
        for number in tags {
            let error = await failure { () throws(WeComError) in
                _ = try await client.make(wecom.tag(number, token: token)) { (answer) throws(WeComError) in try wecom.readTag(answer) }
            }
            checkup.tags.append(WeComCheckup.Named(number, error: error))
        }
        return checkup.findings
    }

    private func examine(_ id: String, _ app: WeChatApp) async -> [Finding] {
        let wechat = WeChatProtocol(app)
        let error = await failure { () throws(WeComError) in
            _ = try await client.make(wechat.exchange(code: WeComCheckup.madeUpCode)) { (answer) throws(WeComError) in try wechat.readExchange(answer) }
        }
        let host = String(authority.prefix { $0 != ":" })
        // A code that nobody gave and that is taken all the same is no WeChat's.
        return WeChatCheckup(connection: id, app: app, host: host, error: error ?? .badAnswer(WeChatProtocol.exchangeAPI)).findings
    }

    private func failure(_ body: () async throws(WeComError) -> Void) async -> WeComError? {
        do {
            try await body()
            return nil
        } catch { return error }
    }
}
