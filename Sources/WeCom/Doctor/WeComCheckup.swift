/// What was asked of WeCom about one connection, and what its answers mean for the administrator. Pure: whoever holds it makes the calls.
public struct WeComCheckup: Sendable {
    /// A department or tag that a rule names, and why it is not as it should be.
    public struct Named: Sendable {
        public var number: Int
        public var error: WeComError?

        public init(_ number: Int, error: WeComError? = nil) {
            self.number = number
            self.error = error
        }
    }

    let connection: String
    let app: WeComApp
    /// `auth.origin` as WeCom has to know it: host, and port where it is not 443.
    let authority: String

    /// `gettoken`: why it failed.
    public var tokenError: WeComError?
    /// `agent/get`.
    public var report: Result<AppReport, WeComError>?
    /// The identity call with a code that WeCom never gave: 40029 is how it should fail.
    public var loginError: WeComError?
    public var departments: [Named] = []
    public var tags: [Named] = []

    public init(connection: String, app: WeComApp, authority: String) {
        self.connection = connection
        self.app = app
        self.authority = authority
    }

    /// A code that WeCom never gave.
    public static let madeUpCode = "menwei-doctor"

    /// In the order in which they are mended.
    public var findings: [Finding] {
        if let tokenError { return [ofToken(tokenError)] }
        var found = [
            ok("api", "\(app.endpoints.api) answers"),
            ok("secret", "it is one of \(app.corpID)'s"),
        ]
        found.append(trustedIP)
        if let report { found += of(report) }
        if let login { found.append(login) }
        found += departments.map { of($0, "department") } + tags.map { of($0, "tag") }
        return found
    }

    // MARK: gettoken

    private func ofToken(_ error: WeComError) -> Finding {
        switch error.errcode {
        case ErrorCode.badCorpID:
            return fail("corp-id", "WeCom knows no corp \(app.corpID) (40013): copy 企业ID from 我的企业 (My Company) → 企业信息 (Company Info)")
        case ErrorCode.badSecret, ErrorCode.badSecretOld:
            return fail("secret", "WeCom does not take it (\(error.errcode ?? 0)): \(page) → Secret → 查看 (View), and copy it from the app's page in WeCom anew")
        case ErrorCode.appDisabled: return disabled
        case ErrorCode.addressNotTrusted: return notTrusted(error)
        default: return fail("api", CallTrouble.text(error, endpoint: app.endpoints.api))
        }
    }

    // MARK: the caller's address

    /// Whether WeCom does not listen to this machine, so that nothing more can be asked.
    public var isShutOut: Bool { shutOut != nil }

    private var shutOut: WeComError? {
        let errors = [report.flatMap { if case .failure(let error) = $0 { error } else { nil } }, loginError].compactMap { $0 }
        return errors.first { $0.errcode == ErrorCode.addressNotTrusted }
    }

    private var trustedIP: Finding {
        if let shutOut { return notTrusted(shutOut) }
        // Either call is guarded; an answer of any other kind comes after that guard.
        let isAnswered = loginError?.errcode != nil || { if case .success? = report { true } else { false } }()
        return isAnswered ? ok("trusted-ip", "calls from this machine are let in") : warn("trusted-ip", "not known: no guarded call was answered")
    }

    private func notTrusted(_ error: WeComError) -> Finding {
        let address = error.callerAddress ?? "the public address from which this machine calls out"
        let saw = error.callerAddress.map { "WeCom sees this gateway come from \($0), which" } ?? "the address from which this gateway calls out"
        return fail("trusted-ip", "\(saw) is not trusted (60020): \(page) → 企业可信IP (Trusted IP) → 配置 (Configure), and add \(address)")
    }

    // MARK: agent/get

    private func of(_ report: Result<AppReport, WeComError>) -> [Finding] {
        switch report {
        case .success(let report): [agent(report), state(report), domain(report), range(report)]
        case .failure(let error): error.errcode == ErrorCode.addressNotTrusted ? [] : [unread(error)]
        }
    }

    private func unread(_ error: WeComError) -> Finding {
        switch error.errcode {
        case ErrorCode.badAgentID:
            fail("agent-id", "there is no app \(app.agentID) (40056): copy AgentId and Secret from one page, 应用管理 (App Management) → 自建 (Self-built) → the app")
        case ErrorCode.otherAgent:
            fail("agent-id", "\(app.agentID) is another app than the one whose secret this is (301002): copy AgentId and Secret from one page, 应用管理 (App Management) → 自建 (Self-built) → the app")
        case ErrorCode.appDisabled: disabled
        default:
            warn("agent-id", "the app's settings cannot be read, so agent id, trusted domain and visible range are not checked: " + CallTrouble.text(error, endpoint: app.endpoints.api))
        }
    }

    private func agent(_ report: AppReport) -> Finding {
        ok("agent-id", report.name.isEmpty ? "\(app.agentID)" : "\(app.agentID) is \"\(report.name)\"")
    }

    private func state(_ report: AppReport) -> Finding { report.isDisabled ? disabled : ok("app", "it is enabled") }

    private var disabled: Finding { fail("app", "it is disabled (50003): \(page) → 启用 (Enable)") }

    private func domain(_ report: AppReport) -> Finding {
        let mend = "\(page) → 网页授权及JS-SDK (Web authorization and JS-SDK) → 设置可信域名 (Set trusted domain): enter \(authority), and prove it with auth.ownership_files"
        guard let domain = report.trustedDomain else { return warn("trusted-domain", "this WeCom does not tell it; it must be \(authority): \(mend)") }
        if domain.isEmpty { return fail("trusted-domain", "none is set, and auth.origin needs \(authority): \(mend)") }
        if domain.lowercased() != authority { return fail("trusted-domain", "it is \(domain), and auth.origin needs \(authority), to the letter: \(mend)") }
        return ok("trusted-domain", "\(authority); 企业微信授权登录 (Login with WeCom) → Web网页 → 授权回调域 (Callback domain) cannot be read, and should be the same")
    }

    private func range(_ report: AppReport) -> Finding {
        if report.seesNobody {
            let what = "it is empty: \(page) → 可见范围 (Visible range) → 编辑 (Edit), and add who may log in"
            return app.visibleRangeOnly ? fail("visible-range", what) : warn("visible-range", what + "; with visible_range_only: false people come in all the same, known by their user id alone")
        }
        let parts = [(report.users, "member"), (report.departments, "department"), (report.tags, "tag")].filter { $0.0 > 0 }
        return ok("visible-range", parts.map { "\($0.0) \($0.1)\($0.0 == 1 ? "" : "s")" }.joined(separator: ", "))
    }

    // MARK: the identity call

    private var login: Finding? {
        guard let error = loginError else { return nil }
        let api = app.endpoints.userinfo
        switch error.errcode {
        case ErrorCode.badCode, ErrorCode.expiredCode: return ok("login", "\(api) answers")
        case ErrorCode.addressNotTrusted, ErrorCode.appDisabled: return nil
        case nil where error.kind == .badAnswer:
            let other = api == "auth/getuserinfo" ? "user/getuserinfo" : "auth/getuserinfo"
            return fail("login", "\(api) does not answer as it should; a private deployment may want endpoints.userinfo: \(other)")
        case nil: return fail("login", CallTrouble.text(error, endpoint: app.endpoints.api))
        case ErrorCode.notGranted, ErrorCode.withdrawn:
            return fail("login", "the app may not ask who logs in (\(error.errcode ?? 0)): the secret must be that of a self-built or provider-built app that is installed, not that of 通讯录同步 (Contact sync)")
        default: return warn("login", CallTrouble.text(error, endpoint: app.endpoints.api))
        }
    }

    // MARK: what rules name

    private func of(_ named: Named, _ word: String) -> Finding {
        let check = "\(word)-\(named.number)"
        guard let error = named.error else { return ok(check, "the app sees it") }
        let chinese = word == "tag" ? "标签 (Tags)" : "部门 (Departments)"
        switch error.errcode {
        case ErrorCode.noSuchDepartment, ErrorCode.badDepartment, ErrorCode.badTag:
            return fail(check, "a rule names it, and there is none of this number (\(error.errcode ?? 0)): see 通讯录 (Contacts) → \(chinese)")
        case ErrorCode.notInVisibleRange, ErrorCode.tagNotAllowed:
            return fail(check, "a rule names it, and the app may not see it (\(error.errcode ?? 0)): \(page) → 可见范围 (Visible range) → 编辑 (Edit)")
        default: return warn(check, CallTrouble.text(error, endpoint: app.endpoints.api))
        }
    }

    // MARK: words

    private var page: String { "应用管理 (App Management) → 自建 (Self-built) → \(app.agentID)" }
    private func ok(_ check: String, _ message: String) -> Finding { Finding(.ok, connection, check, message) }
    private func warn(_ check: String, _ message: String) -> Finding { Finding(.warn, connection, check, message) }
    private func fail(_ check: String, _ message: String) -> Finding { Finding(.fail, connection, check, message) }
}
