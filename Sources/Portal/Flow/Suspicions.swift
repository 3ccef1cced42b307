public import Bytes
internal import Synchronization
internal import WeCom

/// A member, as WeCom names them.
struct MemberKey: Hashable {
    var connection: String
    /// Folded: WeCom compares user ids without regard to case.
    var user: String

    init(connection: String, user: String) {
        self.connection = connection
        self.user = user.lowercased()
    }
}

/// Whom events make us look up again, and which events were taken already. One for the whole process; it outlives every configuration, so that no
/// event is lost to a reload. What the directory said before an event counts no more as fresh; until it has been asked, or where it cannot be, the
/// rules of `sessions.recheck` and `recheck_grace` hold.
public final class Suspicions: Sendable {
    private struct State {
        /// When an event named a member last.
        var members: [MemberKey: WallTime] = [:]
        /// When an event concerned everybody of a connection last.
        var connections: [String: WallTime] = [:]
        var replays = ReplayWindow()
        var pace = Pace()
        var wake: (@Sendable () -> Void)?
        /// Somebody was named since the list was looked at last.
        var hasNews = false
        /// Somebody goes through the list.
        var isAttended = false
    }

    /// Members remembered by name; beyond that, everybody of the connection is meant.
    static let capacity = 10_000

    private let state = Mutex(State())

    public init() {}

    /// Calls `wake` (on any thread, quickly) when there is somebody to be looked up at once (`MemberCheck.attend`).
    public func subscribe(_ wake: @escaping @Sendable () -> Void) { state.withLock { $0.wake = wake } }

    /// Everybody of a connection is to be looked up again, at the pace of the sweep.
    public func note(everybodyOf connection: String, now: WallTime) { state.withLock { $0.connections[connection] = now } }

    /// What departments and tags make of these members is not what it was.
    func note(_ members: [MemberKey], now: WallTime) {
        state.withLock { state in
            for key in members {
                if state.members.count >= Self.capacity {
                    state.connections[key.connection] = now
                } else {
                    state.members[key] = now
                }
            }
        }
    }

    /// What an event says. False where it was here before: then it changes nothing.
    func note(_ notification: CallbackReader.Notification, connection: String, now: WallTime) -> Bool {
        let change = notification.change
        let (isNew, wake) = state.withLock { state in
            guard state.replays.isNew(connection + " " + notification.signature, now: now) else { return (false, nil as (@Sendable () -> Void)?) }
            if change.concernsEverybody || state.members.count + change.users.count > Self.capacity { state.connections[connection] = now }
            guard state.members.count + change.users.count <= Self.capacity, !change.users.isEmpty else { return (true, nil) }
            for user in change.users { state.members[MemberKey(connection: connection, user: user)] = now }
            state.hasNews = true
            return (true, state.isAttended ? nil : state.wake)
        }
        wake?()
        return isNew
    }

    // MARK: for those who look members up

    /// What the directory said earlier than this of a member is not to be relied on; nil: nothing speaks against it.
    func since(_ key: MemberKey) -> WallTime? {
        state.withLock { state in
            guard let named = state.members[key] else { return state.connections[key.connection] }
            return max(named, state.connections[key.connection] ?? named)
        }
    }

    /// No session is left of which the directory's answer is older than what events said of the member.
    func settle(_ key: MemberKey, now: WallTime) {
        state.withLock { state in
            if let named = state.members[key], Self.isDone(named, now) { state.members[key] = nil }
        }
    }

    /// The same for everybody of a connection.
    func settle(everybodyOf connection: String, now: WallTime) {
        state.withLock { state in
            if let noted = state.connections[connection], Self.isDone(noted, now) { state.connections[connection] = nil }
        }
    }

    /// A login that is under way may have asked the directory just before the event, and open its session after we looked for one.
    private static func isDone(_ noted: WallTime, _ now: WallTime) -> Bool { now >= noted.advanced(by: loginsTake) }

    /// 30 s
    private static let loginsTake = Duration.seconds(30)

    /// Those whom events named lately, or who have not been looked up since.
    var named: [MemberKey] { state.withLock { Array($0.members.keys) } }

    /// The connections of which everybody is to be looked up, and since when.
    var crowds: [String: WallTime] { state.withLock { $0.connections } }

    /// How many of `wanted` look-ups WeCom can be asked for now.
    func grant(_ wanted: Int, now: WallTime) -> Int { state.withLock { $0.pace.grant(wanted, now: now) } }

    /// Goes through the list with `work` for as long as somebody is named meanwhile; at once where another does so.
    func attend(_ work: () async -> Void) async {
        guard state.withLock({ state in
            if state.isAttended { return false }
            state.isAttended = true
            return true
        }) else { return }
        while state.withLock({ state in
            state.isAttended = state.hasNews
            state.hasNews = false
            return state.isAttended
        }) { await work() }
    }
}

/// How fast members are looked up again: WeCom takes 10 000 calls of an API a minute, from which logins need theirs.
struct Pace {
    /// Look-ups at once after a quiet time.
    static let burst = 500
    /// And from then on.
    static let perSecond = 100

    private var left = Pace.burst
    private var counted: WallTime?

    /// How many of `wanted` may be made now; they count as made.
    mutating func grant(_ wanted: Int, now: WallTime) -> Int {
        let since = counted.map { now.milliseconds - $0.milliseconds } ?? 0
        if since < 0 || since > 60_000 {
            left = Self.burst
            counted = now
        } else {
            let fresh = Int(since) * Self.perSecond / 1000
            if fresh > 0 || counted == nil {
                left = min(Self.burst, left + fresh)
                counted = now
            }
        }
        let granted = min(max(wanted, 0), left)
        left -= granted
        return granted
    }
}
