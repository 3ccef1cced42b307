public import Telemetry
internal import Access
internal import Proxy
internal import WeCom

/// Where the portal's events go: audit records, the count of logins, and the administrator's log.
public struct PortalRecords: Sendable {
    let audit: @Sendable (AuditEvent) -> Void
    /// Connection and result of each attempt to log in.
    let count: @Sendable (_ connection: String, _ result: String) -> Void
    /// What kept the portal from answering, in a fixed word, and the request's id.
    let trouble: @Sendable (_ word: String, _ requestID: String) -> Void
    /// The address that WeCom saw us come from and does not trust (60020): it must be added to the app's trusted IPs.
    let notTrusted: @Sendable (_ address: String, _ connection: String) -> Void
    /// A callback was not taken: why, in a fixed word, and the request's id.
    let callbackRefused: @Sendable (_ word: String, _ connection: String, _ requestID: String) -> Void
    /// A callback told of a change; how many members it named.
    let changed: @Sendable (_ members: Int, _ everybody: Bool, _ connection: String) -> Void

    public init(audit: @escaping @Sendable (AuditEvent) -> Void, count: @escaping @Sendable (_ connection: String, _ result: String) -> Void = { _, _ in },
                trouble: @escaping @Sendable (_ word: String, _ requestID: String) -> Void = { _, _ in },
                notTrusted: @escaping @Sendable (_ address: String, _ connection: String) -> Void = { _, _ in },
                callbackRefused: @escaping @Sendable (_ word: String, _ connection: String, _ requestID: String) -> Void = { _, _, _ in },
                changed: @escaping @Sendable (_ members: Int, _ everybody: Bool, _ connection: String) -> Void = { _, _, _ in }) {
        self.audit = audit
        self.count = count
        self.trouble = trouble
        self.notTrusted = notTrusted
        self.callbackRefused = callbackRefused
        self.changed = changed
    }

    public init(recorder: Recorder, metrics: Metrics) {
        self.init(
            audit: { recorder.audit($0) }, count: { metrics.login(connection: $0, result: $1) },
            trouble: { recorder.log(.error, "login steps cannot be served", [("reason", $0), ("request_id", $1)]) },
            notTrusted: { recorder.log(.error, "add this address to the app's trusted IPs in WeCom's console (60020)", [("address", $0), ("connection", $1)]) },
            callbackRefused: { recorder.log(.warn, "callback not taken", [("reason", $0), ("connection", $1), ("request_id", $2)]) },
            changed: { recorder.log(.debug, "the directory changed", [("members", $1 ? "all" : String($0)), ("connection", $2)]) })
    }

    func login(_ session: SessionRecord, _ asked: Asked) {
        let member = session.member
        audit(AuditEvent(
            .login, account: member.account, connection: member.connection, client: asked.request.client, sid: session.sid, result: "ok",
            requestID: asked.requestID))
        count(member.connection, "ok")
    }

    /// The person is told the class; API and code go here. WeCom's own words go nowhere.
    func loginFailed(_ refusal: LoginRefusal, connection: String, _ asked: Asked) {
        audit(AuditEvent(
            .loginFailed, connection: connection, client: asked.request.client, result: refusal.failure.rawValue, errcode: refusal.error?.errcode,
            api: refusal.error?.api, requestID: asked.requestID))
        count(connection, refusal.failure.rawValue)
        if let address = refusal.error?.callerAddress { notTrusted(address, connection) }
    }

    /// Who was asked for a binding code, and what they typed that was none.
    func bindingFailed(_ result: String, _ member: Member, _ asked: Asked) {
        audit(AuditEvent(.loginFailed, connection: member.connection, client: asked.request.client, result: result, requestID: asked.requestID))
        count(member.connection, result)
    }

    func event(_ change: DirectoryChange, connection: String) {
        if !change.isNothing { changed(change.users.count, change.concernsEverybody, connection) }
    }

    func logout(_ session: SessionRecord, _ asked: Asked) {
        audit(AuditEvent(
            .logout, account: session.member.account, connection: session.member.connection, client: asked.request.client, sid: session.sid,
            result: "ok", requestID: asked.requestID))
    }

    /// Somebody ended a session of their own, perhaps another browser's.
    func revoked(_ session: SessionRecord, _ asked: Asked) {
        audit(AuditEvent(
            .revoked, account: session.member.account, connection: session.member.connection, client: asked.request.client, sid: session.sid,
            result: "self", requestID: asked.requestID))
    }

    /// A login by our own QR code was asked for, approved or refused; `session` is the one that answered.
    func scan(_ result: String, _ session: SessionRecord?, _ asked: Asked) {
        audit(AuditEvent(
            .scan, account: session?.member.account, connection: session?.member.connection, client: asked.request.client, sid: session?.sid,
            result: result, requestID: asked.requestID))
    }

    func trouble(_ trouble: Trouble, _ asked: Asked) {
        let word = switch trouble {
        case .store(let failure): "store-" + failure.code.rawValue
        case .random: "random"
        case .accountChanged: "account-changed"
        }
        self.trouble(word, asked.requestID)
    }
}
