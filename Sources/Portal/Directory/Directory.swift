public import Bytes
public import Outbound
public import WeCom

/// Asks WeCom, as one app of it, who somebody is. One for the whole process, so that all workers share its access token.
public final class Directory: Sendable {
    /// What the directory takes from its surroundings; tests bring their own.
    public struct Surroundings: Sendable {
        /// A clock that only goes forward.
        public var now: @Sendable () -> MonotonicTime
        /// Waits that long.
        public var pause: @Sendable (Duration) async -> Void
        /// A random number from 0 to 1.
        public var random: @Sendable () -> Double
        /// Told of every call that was made, for the metrics: its path and `errcode`, nil where there was no readable answer.
        public var onCall: @Sendable (_ api: String, _ errcode: Int?) -> Void

        /// The system's clock and random numbers.
        public init(onCall: @escaping @Sendable (_ api: String, _ errcode: Int?) -> Void = { _, _ in }) {
            let start = ContinuousClock.now
            now = { MonotonicTime(nanoseconds: (ContinuousClock.now - start).nanoseconds) }
            pause = { try? await Task.sleep(for: $0) }
            random = { Double.random(in: 0...1) }
            self.onCall = onCall
        }
    }

    private let wecom: WeComProtocol
    private let userinfo: String
    private let client: APIClient
    private let surroundings: Surroundings
    private let accessToken: SharedToken
    /// For JS-SDK signatures: the corp's ticket, and the app's.
    private let pageTicket: SharedToken
    private let appTicket: SharedToken
    /// What the rules of a configuration ask of departments and tags.
    public let groups: Groups?

    public init(_ app: WeComApp, caller: any HTTPCaller, surroundings: Surroundings = Surroundings()) {
        wecom = WeComProtocol(app)
        userinfo = app.endpoints.userinfo
        client = APIClient(caller: caller, onCall: surroundings.onCall)
        self.surroundings = surroundings
        let token = { SharedToken(now: surroundings.now, random: surroundings.random) }
        (accessToken, pageTicket, appTicket) = (token(), token(), token())
        groups = nil
    }

    private init(_ other: Directory, _ groups: Groups) {
        (wecom, userinfo, client, surroundings) = (other.wecom, other.userinfo, other.client, other.surroundings)
        (accessToken, pageTicket, appTicket) = (other.accessToken, other.pageTicket, other.appTicket)
        self.groups = groups
    }

    /// The same, tokens and all, for a configuration whose rules ask for `groups`.
    public func with(_ groups: Groups) -> Directory { Directory(self, groups) }

    /// The clock that its times are counted by.
    public var now: @Sendable () -> MonotonicTime { surroundings.now }

    /// Whom the code stands for, by `auth/getuserinfo`. A code works once: after any error but those that `CallRetry` repeats, the login starts anew.
    public func identify(code: String) async throws(WeComError) -> Identity {
        // Without asking: WeCom never gave such a code.
        guard 1...WeComProtocol.codeLimit ~= code.utf8.count else { throw WeComError(api: userinfo, errcode: ErrorCode.badCode) }
        let wecom = wecom
        return try await ask { wecom.identity(code: code, token: $0) } read: { (answer) throws(WeComError) in try wecom.readIdentity(answer) }
    }

    /// What the directory tells of a member, by `user/get`.
    public func member(userid: String) async throws(WeComError) -> DirectoryMember {
        let wecom = wecom
        return try await ask { wecom.member(user: userid, token: $0) } read: { (answer) throws(WeComError) in
            try wecom.readMember(answer, user: userid)
        }
    }

    /// What the member behind the code agreed to show, by `auth/getuserinfo` and `auth/getuserdetail`; nil: nothing.
    public func agreed(code: String) async throws(WeComError) -> AgreedDetails? {
        let wecom = wecom
        let found = try await ask { wecom.identity(code: code, token: $0) } read: { (answer) throws(WeComError) in try wecom.readTicket(answer) }
        guard let found else { return nil }
        return try await ask { wecom.details(ticket: found.ticket, token: $0) } read: { (answer) throws(WeComError) in
            try wecom.readDetails(answer, user: found.user)
        }
    }

    // MARK: JS-SDK

    /// The tickets that pages are signed with: each is fetched once in its life (WeCom gives 100 an hour to an app, 400 to a corp).
    public func pageTickets() async throws(WeComError) -> PageTickets? {
        let corp = try await ticket(pageTicket, .corp)
        return PageTickets(corp: corp, app: try await ticket(appTicket, .app))
    }

    private func ticket(_ shared: SharedToken, _ kind: WeComProtocol.Ticket) async throws(WeComError) -> Hidden {
        let wecom = wecom
        return try await shared.value {
            do throws(WeComError) {
                return .success(try await ask { wecom.ticket(kind, token: $0) } read: { (answer) throws(WeComError) in try wecom.readTicket(answer, kind) })
            } catch { return .failure(error) }
        }.text
    }

    // MARK: departments and tags

    /// Which department lies in which, by `department/simplelist`.
    public func departments() async throws(WeComError) -> DepartmentTree {
        let wecom = wecom
        return try await ask { wecom.departments(token: $0) } read: { (answer) throws(WeComError) in try wecom.readDepartments(answer) }
    }

    /// Who carries a tag, by `tag/get`.
    public func tag(_ id: Int) async throws(WeComError) -> TagHolders {
        let wecom = wecom
        return try await ask { wecom.tag(id, token: $0) } read: { (answer) throws(WeComError) in try wecom.readTag(answer) }
    }

    // MARK: calls

    func ask<Value>(
        _ build: (Hidden) -> APICall, read: (APIAnswer) throws(WeComError) -> Value
    ) async throws(WeComError) -> Value {
        var retry = CallRetry()
        while true {
            let token = try await accessToken.value { await fetchToken() }
            do {
                return try await client.make(build(token.text), read)
            } catch {
                if error.asksForNewToken { accessToken.rejected(token, error: error) }
                switch retry.next(after: error) {
                case .newToken: continue
                case .pause(let duration): await surroundings.pause(duration)
                case .giveUp: throw error
                }
            }
        }
    }

    private func fetchToken() async -> Result<FreshToken, WeComError> {
        var retry = CallRetry()
        while true {
            do {
                return .success(try await client.make(wecom.token()) { (answer) throws(WeComError) in try wecom.readToken(answer) })
            } catch {
                guard case .pause(let duration) = retry.next(after: error) else { return .failure(error) }
                await surroundings.pause(duration)
            }
        }
    }
}
