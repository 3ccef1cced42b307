public import Access
import Bytes
import Crypto
public import EventLoop
import HTTP

/// One worker's knowledge of live sessions, so that the hot path does not touch the store. What it holds is dropped when the store says that it
/// ended or changed, when a limit passes (then the store is asked: another worker may have seen the person), and when there is too much of it.
public final class SessionCache {
    struct Key: Hashable {
        let cookie: Digest256
        let host: String

        static func == (a: Self, b: Self) -> Bool { a.cookie == b.cookie && a.host == b.host }
        /// The digest alone: it is random enough, and the host is compared anyway.
        func hash(into hasher: inout Hasher) { hasher.combine(cookie.a) }
    }

    /// Entries a worker holds at most; beyond it those that nothing uses go.
    static let capacity = 200_000
    /// How long a cookie that opens nothing is remembered, so that a client that keeps showing it does not cost a store access each time.
    private static let unknownFor: UInt64 = 5_000_000_000
    /// How long a request waits for the store.
    private static let patience: UInt64 = 5_000_000_000
    /// 20 s: WeCom's own limits are well within it.
    private static let renewalPatience: UInt64 = 20_000_000_000

    private let store: any SessionStore
    private var limits: SessionLimits
    private let loop: EventLoop
    private var members: (any MemberVouching)?
    /// Milliseconds that what the directory said of a member stands for.
    private var answersStandFor: Int64
    private var entries: [Key: SessionEntry] = [:]
    private var bySID: [String: [SessionEntry]] = [:]
    private var unknown: [Key: MonotonicTime] = [:]
    private var waiting: [Key: [(Answer) -> Void]] = [:]
    /// The store owes an answer for longer than anybody waits.
    private var isStalled = false
    private var dirty: [SessionEntry] = []
    private var reporter: LoopTimer?
    /// Often enough that no worker takes an active person for an idle one.
    private var reportEvery: UInt64 { max(100_000_000, min(10_000_000_000, limits.idle.nanoseconds / 10)) }
    /// Those with exchanges under way, in no order.
    private var busy: [SessionEntry] = []
    private var watcher: LoopTimer?
    /// Sids whose limits the store is being asked about.
    private var asking: Set<String> = []
    /// Sids of which the store is being asked what changed, and whether more changed meanwhile.
    private var reviewing: [String: Bool] = [:]
    /// Some rule lets people in at some hours only.
    var watchesHours = false

    /// How often streams are looked at whose session may be over: 1 s.
    private static let watchEvery: UInt64 = 1_000_000_000
    /// The calendar then: where it shows an earlier time now, by more than `setBack`, the clock was set back.
    private var lastLook: WallTime
    private static let setBack = Duration.seconds(10)
    private let health: StoreHealth
    /// How many `IdentityBlocks` there have been, so that none takes another's blocks for its own.
    private var makers: UInt64 = 0

    enum Answer {
        case live(SessionEntry)
        case nobody
        case storeDown
    }

    /// - Parameters:
    ///   - members: keeps members current; nil: what was known at login stands.
    ///   - health: whether the store can be read, as whoever asks it regularly found.
    public init(_ store: any SessionStore, limits: SessionLimits, members: (any MemberVouching)?, health: StoreHealth, on loop: EventLoop) {
        self.health = health
        self.members = members
        answersStandFor = members?.answersStandFor.milliseconds ?? .max
        self.store = store
        self.limits = limits
        self.loop = loop
        lastLook = loop.wall
        let bound = LoopBound(WeakCache(self))
        let mailbox = loop.mailbox
        store.subscribe { notice in mailbox.post { bound.value.cache?.heard(notice) } }
        let reporter = LoopTimer { [weak self] in self?.report() }
        self.reporter = reporter
        loop.schedule(reporter, after: reportEvery)
        let watcher = LoopTimer { [weak self] in self?.endOverdue() }
        self.watcher = watcher
        loop.schedule(watcher, after: Self.watchEvery)
    }

    /// Takes over what a reload changed. Sessions of people whom the connections do not know any more open nothing from now on.
    public func adopt(limits: SessionLimits, members: (any MemberVouching)?) {
        self.limits = limits
        self.members = members
        answersStandFor = members?.answersStandFor.milliseconds ?? .max
        unknown.removeAll()
        guard let members else { return }
        for entry in Array(entries.values) where !members.knows(entry.record.member) { drop(entry) }
    }

    /// The calendar, as of this turn of the loop.
    var now: WallTime { loop.wall }

    /// Whether the connections know somebody so.
    func knows(_ member: Member) -> Bool { members?.knows(member) ?? true }

    /// A number for a new maker of identity blocks.
    func nextMaker() -> UInt64 {
        makers &+= 1
        return makers
    }

    private final class WeakCache {
        weak var cache: SessionCache?
        init(_ cache: SessionCache) { self.cache = cache }
    }

    /// The session of a cookie if this worker knows it to be live; nil where the store has to be asked.
    func known(_ key: Key) -> Answer? {
        if health.isDown { return .storeDown }
        if let entry = entries[key] {
            let now = loop.wall
            if entry.isLive(at: now, idle: limits.idle), now < entry.record.cookieGoodUntil ?? now.advanced(by: .seconds(1)), stands(entry.checked, now) {
                return .live(entry)
            }
            drop(entry)
            return nil
        }
        if let seen = unknown[key], loop.now.since(seen) < Self.unknownFor { return .nobody }
        return nil
    }

    /// Asks the store, once for all who wait for the same cookie, and calls `then` on the loop.
    func ask(_ key: Key, _ then: @escaping (Answer) -> Void) {
        if waiting[key] != nil {
            waiting[key]?.append(then)
            return
        }
        if isStalled { return then(.storeDown) }
        waiting[key] = [then]
        loop.spawn { [self] in
            var answer = Answer.nobody
            do {
                var found = try await lookUp(key)
                if case .live(let record) = found, !stands(record.checked, loop.wall), let members {
                    if await renew(record, members, key) == .unavailable { throw StoreFailure(.unreachable, "member") }
                    found = try await lookUp(key)
                }
                switch found {
                case .live(let record) where !knows(record.member): remember(unknown: key)
                case .live(let record): answer = .live(insert(record, key))
                case .ended, .unknown: remember(unknown: key)
                }
            } catch {
                answer = .storeDown
            }
            tell(key, answer)
        }
    }

    private func tell(_ key: Key, _ answer: Answer) {
        for then in waiting.removeValue(forKey: key) ?? [] { then(answer) }
    }

    /// Asks the store. Where that takes too long, whoever waits for this cookie is told that the store is down, and so is everybody who asks from
    /// then on until the store has answered something: requests must not pile up before a disk that hangs.
    private func lookUp(_ key: Key) async throws(StoreFailure) -> CookieLookup {
        let limit = LoopTimer { [unowned self] in
            isStalled = true
            tell(key, .storeDown)
        }
        loop.schedule(limit, after: Self.patience)
        defer {
            loop.cancel(limit)
            isStalled = false
        }
        return try await store.lookup(key.cookie, at: .host(key.host), now: loop.wall)
    }

    /// Asks the directory. It has limits of its own, but what it asks of the store may hang.
    private func renew(_ record: SessionRecord, _ members: any MemberVouching, _ key: Key) async -> MemberStanding {
        let limit = LoopTimer { [unowned self] in tell(key, .storeDown) }
        loop.schedule(limit, after: Self.renewalPatience)
        defer { loop.cancel(limit) }
        return await members.renew(record)
    }

    /// Whether what the directory last said of the member can still be relied on.
    private func stands(_ checked: WallTime, _ now: WallTime) -> Bool {
        now.milliseconds &- checked.milliseconds < answersStandFor
    }

    private func insert(_ record: SessionRecord, _ key: Key) -> SessionEntry {
        if entries.count >= Self.capacity { shrink() }
        let entry = SessionEntry(record, key: key, in: self)
        entries[key] = entry
        bySID[record.sid, default: []].append(entry)
        return entry
    }

    private func remember(unknown key: Key) {
        if unknown.count >= 10_000 { unknown.removeAll(keepingCapacity: true) }
        unknown[key] = loop.now
    }

    private func shrink() {
        for entry in entries.values where !entry.hasExchanges && !entry.isDirty {
            drop(entry)
            if entries.count <= Self.capacity * 3 / 4 { break }
        }
    }

    /// Takes an entry out; while exchanges are under way with it, it can still be told that its session ended.
    private func drop(_ entry: SessionEntry) {
        entries[entry.key] = nil
        entry.isStale = true
        if !entry.hasExchanges { forgetStale(entry) }
    }

    func forgetStale(_ entry: SessionEntry) {
        let sid = entry.record.sid
        bySID[sid]?.removeAll { $0 === entry }
        if bySID[sid]?.isEmpty == true { bySID[sid] = nil }
    }

    // MARK: what the store says

    private func heard(_ notice: StoreNotice) {
        switch notice {
        case .ended(let sids):
            for sid in sids {
                end(sid)
            }
        case .changed(let sids):
            for sid in sids {
                for entry in bySID[sid] ?? [] {
                    drop(entry)
                    entry.isChanged = entry.hasExchanges
                }
                review(sid)
            }
        case .put: break
        }
    }

    private func end(_ sid: String) {
        for entry in bySID.removeValue(forKey: sid) ?? [] {
            entries[entry.key] = nil
            entry.end()
        }
    }

    /// Asks the store what it knows of a session now, and ends what is under way with it and would not pass any more. Where the store does not answer
    /// it is asked again a second later.
    private func review(_ sid: String) {
        guard let entry = bySID[sid]?.first(where: { $0.isChanged }) else { return }
        // Of another change while the store is asked its answer may say nothing.
        if reviewing.updateValue(true, forKey: sid) != nil { return }
        reviewing[sid] = false
        let member = entry.record.member, store = self.store
        loop.spawn { [self] in
            let sessions = try? await store.sessions(connection: member.connection, user: member.user, now: loop.wall)
            let isOld = reviewing.removeValue(forKey: sid) == true
            guard let sessions else { return }
            // Whoever ended it tells so.
            let record = sessions.first { $0.sid == sid }
            for entry in bySID[sid] ?? [] where entry.isChanged { entry.review(record, isLast: !isOld) }
            if isOld { review(sid) }
        }
    }

    /// A limit of the session passed: streams end, and what else is under way may finish, unless the session is ended before.
    private func expire(_ sid: String) {
        for entry in bySID[sid] ?? [] {
            entries[entry.key] = nil
            entry.expire()
            if !entry.hasExchanges { forgetStale(entry) }
        }
    }

    // MARK: streams that outlive their session

    func noteBusy(_ entry: SessionEntry) {
        entry.busyIndex = busy.count
        busy.append(entry)
    }

    func noteIdle(_ entry: SessionEntry) {
        let index = entry.busyIndex
        guard index >= 0, let last = busy.popLast() else { return }
        entry.busyIndex = -1
        if last === entry { return }
        busy[index] = last
        last.busyIndex = index
    }

    /// A limit that passes is nobody's doing and nobody's notice: streams that are under way must be ended from here, and all that is, where
    /// the directory could not be asked for so long that a new request would be refused. Whether the person was seen elsewhere, logged in again,
    /// or was looked up, the store knows; while it cannot be asked, the limits that are known here hold.
    private func endOverdue() {
        if let watcher { loop.schedule(watcher, after: Self.watchEvery) }
        if watchesHours { for entry in busy where !entry.isExpired { entry.reviewHours() } }
        let now = loop.wall
        noticeClock(now)
        for entry in busy where entry.isChanged && reviewing[entry.record.sid] == nil { review(entry.record.sid) }
        var overdue: [String: String] = [:]
        for entry in busy where !entry.isExpired && (!entry.isLive(at: now, idle: limits.idle) || !stands(entry.checked, now)) { overdue[entry.record.sid] = entry.subject.accountKey }
        for (sid, account) in overdue where !asking.contains(sid) {
            asking.insert(sid)
            let store = self.store
            loop.spawn { [self] in
                let live = (try? await store.list(account: account, now: loop.wall))?.first { $0.sid == sid }
                asking.remove(sid)
                if let live, stands(live.checked, loop.wall) {
                    for entry in bySID[sid] ?? [] { entry.learn(live) }
                } else if live == nil, bySID[sid]?.allSatisfy({ stands($0.checked, loop.wall) }) == true {
                    expire(sid)
                } else {
                    end(sid)
                }
            }
        }
    }

    private func noticeClock(_ now: WallTime) {
        defer { lastLook = now }
        guard now.advanced(by: Self.setBack) < lastLook else { return }
        for entry in bySID.values.joined() { entry.bringBack(to: now) }
    }

    // MARK: what the store is told

    func noteDirty(_ entry: SessionEntry) { dirty.append(entry) }

    private func report() {
        if let reporter { loop.schedule(reporter, after: reportEvery) }
        if dirty.isEmpty { return }
        var seen: [String: WallTime] = [:]
        for entry in dirty {
            entry.isDirty = false
            seen[entry.record.sid] = max(seen[entry.record.sid] ?? entry.lastSeen, entry.lastSeen)
        }
        dirty.removeAll(keepingCapacity: true)
        let store = self.store
        // A store that cannot be written loses activity, not sessions: the next report tells again.
        loop.spawn { try? await store.touch(seen) }
    }
}
