public import Access
public import Bytes
public import Proxy
internal import Synchronization
internal import Telemetry
internal import WeCom

/// Looks members of live sessions up again, so that whoever leaves the company is out within `sessions.recheck`. One for the whole process:
/// of all that ask about a member at the same time, one asks WeCom.
public final class MemberCheck: MemberVouching {
    /// How far what the directory last said of a member can be relied on.
    public enum Standing: Equatable, Sendable {
        case fresh
        /// To be looked up again; until then the last answer stands.
        case due
        /// The last answer stands no more: nobody passes before it is renewed.
        case overdue
    }

    private struct Failure {
        var at: WallTime
        /// How often in a row.
        var count: Int
    }
    private struct Flights {
        var waiters: [MemberKey: [CheckedContinuation<Void, Never>]] = [:]
        /// When asking about a member failed, so that a WeCom in trouble is not asked with every request.
        var failures: [MemberKey: Failure] = [:]
        /// When the directory last vouched for a member: a worker may still hold the session as it was before.
        var vouched: [MemberKey: WallTime] = [:]
    }

    /// Between two attempts for the same member: 30 s, or less where members are looked up more often.
    private var pause: Duration { min(.seconds(30), options.recheck) }
    /// That many members are looked up side by side in a sweep.
    static let width = 8
    /// Sessions of one sweep; the next takes what is left.
    static let most = 1000

    let options: PortalOptions
    let store: any SessionStore
    private let accounts: (any AccountStore)?
    let providers: [String: any IdentityProvider]
    private let records: PortalRecords
    let suspicions: Suspicions
    private let flights = Mutex(Flights())

    public init(options: PortalOptions, store: any SessionStore, accounts: (any AccountStore)? = nil, providers: [String: any IdentityProvider], records: PortalRecords, suspicions: Suspicions) {
        self.options = options
        self.store = store
        self.accounts = accounts
        self.providers = providers
        self.records = records
        self.suspicions = suspicions
    }

    public var answersStandFor: Duration { options.recheck + options.recheckGrace }

    public func knows(_ member: Member) -> Bool { options.knows(member) }

    public func renew(_ record: SessionRecord) async -> MemberStanding { await recheck(record) }

    /// By the record's own time and what events said since: whether another of the member's sessions was renewed meanwhile is not asked.
    public func standing(of record: SessionRecord, now: WallTime) -> Standing {
        let age = now.milliseconds - record.checked.milliseconds
        if age < options.recheck.milliseconds, record.checked >= suspicions.since(MemberKey(record)) ?? record.checked { return .fresh }
        return age < options.recheck.milliseconds + options.recheckGrace.milliseconds ? .due : .overdue
    }

    /// Looks the member up again if that is due, and waits for the answer.
    public func recheck(_ record: SessionRecord) async -> MemberStanding {
        let now = options.now()
        guard standing(of: record, now: now) != .fresh else { return .stands }
        let key = MemberKey(record)
        if isVouched(key, now) { return .stands }
        if isPaused(key, now) { return afterTrouble(record, now) }
        guard await isFirst(key) else {
            // Whoever was asking may have begun before the event that makes us ask.
            let isSettled = suspicions.since(key) == nil || isVouched(key, options.now()) || isPaused(key, options.now())
            return isSettled ? await outcomeOfAnother(record) : await recheck(record)
        }
        // Another may have come to its end between the first look and our turn.
        let outcome = isVouched(key, now) ? .stands : await look(record, key, now)
        let waiters = flights.withLock { $0.waiters.removeValue(forKey: key) } ?? []
        for waiter in waiters { waiter.resume() }
        return outcome
    }

    /// Looks every member up who is due, each once, at a pace that WeCom bears. To be called every few seconds, from one place; a store that does not
    /// answer is left for the next time.
    public func sweep() async {
        await renewGroups(options.now())
        await lookAtNamed()
        let now = options.now()
        for (connection, time) in suspicions.crowds {
            guard let sessions = try? await store.due(before: time.advanced(by: .milliseconds(-1)), of: connection, limit: Self.most, now: now) else { return }
            if sessions.isEmpty { suspicions.settle(everybodyOf: connection, now: now) }
            await look(at: sessions, now)
        }
        let before = now.advanced(by: .zero - options.recheck)
        guard let sessions = try? await store.due(before: before, of: nil, limit: Self.most, now: now) else { return }
        await look(at: sessions, now)
        flights.withLock { state in
            state.failures = state.failures.filter { now.milliseconds - $0.value.at.milliseconds < pause.milliseconds * 2 }
            state.vouched = state.vouched.filter { now.milliseconds - $0.value.milliseconds < options.recheck.milliseconds }
        }
    }

    /// Looks those up at once whom events named. Who is left, because WeCom is in trouble or is asked too much, is for the sweep.
    public func attend() async { await suspicions.attend { await lookAtNamed() } }

    private func lookAtNamed() async {
        let now = options.now()
        var sessions: [SessionRecord] = []
        for key in suspicions.named where !isPaused(key, now) {
            guard let found = try? await store.sessions(connection: key.connection, user: key.user, now: now) else { return }
            if found.allSatisfy({ standing(of: $0, now: now) == .fresh }) { suspicions.settle(key, now: now) }
            sessions += found
        }
        await look(at: sessions, now)
    }

    private func look(at sessions: [SessionRecord], _ now: WallTime) async {
        var oldest: [MemberKey: SessionRecord] = [:]
        for session in sessions where standing(of: session, now: now) != .fresh && !isPaused(MemberKey(session), now) {
            if oldest[MemberKey(session)].map({ session.checked < $0.checked }) ?? true { oldest[MemberKey(session)] = session }
        }
        let due = oldest.values.sorted { $0.checked < $1.checked }.prefix(suspicions.grant(oldest.count, now: now))
        await withTaskGroup(of: MemberStanding.self) { group in
            for (index, session) in due.enumerated() {
                if index >= Self.width { _ = await group.next() }
                group.addTask { await self.recheck(session) }
            }
        }
    }

    /// True: nobody is asking about this member, and it is the caller's turn. False, once whoever was asking is done.
    private func isFirst(_ key: MemberKey) async -> Bool {
        let isFree = flights.withLock { state in
            if state.waiters[key] != nil { return false }
            state.waiters[key] = []
            return true
        }
        if isFree { return true }
        await withCheckedContinuation { (waiter: CheckedContinuation<Void, Never>) in
            let isUnderWay = flights.withLock { state in
                state.waiters[key]?.append(waiter)
                return state.waiters[key] != nil
            }
            if !isUnderWay { waiter.resume() }
        }
        return false
    }

    /// What the lookup of another task means for this session: the store knows.
    private func outcomeOfAnother(_ record: SessionRecord) async -> MemberStanding {
        let now = options.now()
        let key = MemberKey(record)
        if isVouched(key, now) { return .stands }
        if isPaused(key, now) { return afterTrouble(record, now) }
        guard let sessions = try? await store.list(account: record.member.accountKey, now: now) else { return afterTrouble(record, now) }
        return sessions.contains { $0.sid == record.sid } ? .stands : .ended
    }

    private func look(_ record: SessionRecord, _ key: MemberKey, _ now: WallTime) async -> MemberStanding {
        guard let connection = options.connection(record.member.connection[...]), let provider = providers[connection.id] else {
            return await end(record, result: "no-connection", error: nil, now)
        }
        // The same id may stand for another corp since a restart: whoever has that user id there is somebody else.
        guard record.member.corp == connection.corp else { return await end(record, result: "other-corp", error: nil, now) }
        // WeChat has no directory that could be asked about a person: what it told at the login stands.
        guard let app = connection.wecom else { return await vouch(for: record.member, record, connection, key, now) }
        var found: DirectoryMember
        do {
            found = try await provider.member(userid: record.member.user)
            guard found.status == .active else { return await end(record, result: "inactive", error: nil, now) }
        } catch {
            switch error.errcode {
            case ErrorCode.noSuchUser:
                return await end(record, result: "removed", error: error, now)
            case ErrorCode.notInVisibleRange where app.visibleRangeOnly:
                return await end(record, result: "out-of-range", error: error, now)
            case ErrorCode.notInVisibleRange:
                // Their departments are not the app's to see any more. Who they are stays.
                found = DirectoryMember(user: record.member.user)
                (found.name, found.email, found.mobile) = (record.member.name, record.member.email, record.member.mobile)
            default:
                return afterFailure(record, key, now)
            }
        }
        switch await provider.groups?.place(found) ?? .sure(found) {
        case .sure(let placed):
            return await vouch(for: Member(placed, user: record.member.user, connection: connection), record, connection, key, now)
        case .doubtful(let placed, _):
            // What is known goes into the sessions; that the directory vouched for it does not.
            if let placed,
                let member = try? await underTheirAccount(Member(placed, user: record.member.user, connection: connection), record, connection) {
                try? await store.update(member, checked: record.checked)
            }
            return afterFailure(record, key, now)
        }
    }

    private func afterFailure(_ record: SessionRecord, _ key: MemberKey, _ now: WallTime) -> MemberStanding {
        flights.withLock { $0.failures[key] = Failure(at: now, count: ($0.failures[key]?.count ?? 0) + 1) }
        return afterTrouble(record, now)
    }

    private func vouch(
        for found: Member, _ record: SessionRecord, _ connection: ConnectionOptions, _ key: MemberKey, _ now: WallTime
    ) async -> MemberStanding {
        let member: Member?
        do { member = try await underTheirAccount(found, record, connection) } catch { return afterTrouble(record, now) }
        guard let member else { return await end(record, result: "account-changed", error: nil, now) }
        do { try await store.update(member, checked: now) } catch { return afterTrouble(record, now) }
        flights.withLock { state in
            state.failures[key] = nil
            state.vouched[key] = now
        }
        return .stands
    }

    /// What the account table adds to what the directory tells; nil where the session's account is theirs no more. `AccountWatch` ends such sessions at
    /// once; this finds what changed while no gateway ran, and whose own account is another's in the table by now.
    private func underTheirAccount(_ found: Member, _ record: SessionRecord, _ connection: ConnectionOptions) async throws(StoreFailure) -> Member? {
        guard let accounts else { return record.member.isInTable ? nil : found }
        return switch try await accounts.tie(of: record.member, connection) {
        case .own: found
        case .table(let account): found.known(as: account, connection)
        case .cut: nil
        }
    }

    private func end(_ record: SessionRecord, result: String, error: WeComError?, _ now: WallTime) async -> MemberStanding {
        let selector = SessionSelector.member(connection: record.member.connection, user: record.member.user)
        // Where the store does not take it, nobody passes either.
        guard let ended = try? await store.end(selector, now: now) else { return .unavailable }
        for sid in ended {
            records.audit(AuditEvent(
                .gone, account: record.member.account, connection: record.member.connection, sid: sid, result: result, errcode: error?.errcode,
                api: error?.api))
        }
        return .ended
    }

    private func isVouched(_ key: MemberKey, _ now: WallTime) -> Bool {
        guard let time = flights.withLock({ $0.vouched[key] }), time >= suspicions.since(key) ?? time else { return false }
        return now.milliseconds - time.milliseconds < options.recheck.milliseconds
    }

    /// After an event it is tried again sooner: after 1 s, 2, 4, and so on.
    private func isPaused(_ key: MemberKey, _ now: WallTime) -> Bool {
        guard let failed = flights.withLock({ $0.failures[key] }) else { return false }
        var pause = pause
        if let since = suspicions.since(key) { pause = failed.at < since ? .zero : min(pause, .seconds(1 << min(failed.count - 1, 5))) }
        return now.milliseconds - failed.at.milliseconds < pause.milliseconds
    }

    private func afterTrouble(_ record: SessionRecord, _ now: WallTime) -> MemberStanding {
        standing(of: record, now: now) == .overdue ? .unavailable : .stands
    }
}

extension MemberKey {
    init(_ record: SessionRecord) { self.init(connection: record.member.connection, user: record.member.user) }
}
