import Access
import Bytes

/// How much a store keeps of each kind of one-time value. Where a kind would grow beyond it, the owner who has the most of it loses the oldest of theirs,
/// if they have more than their share; else the oldest of all go.
public struct OneTimeBounds: Equatable, Sendable {
    /// Values of one kind.
    public var count: Int
    /// Bytes of the values of one kind together; a single larger value is refused (`StoreFailure.Code.full`).
    public var bytes: Int
    /// Bytes of form posts kept for one session.
    public var postsOfSession: Int

    public init(count: Int = 100_000, bytes: Int = 256 << 20, postsOfSession: Int = 8 << 20) {
        self.count = max(1, count)
        self.bytes = max(1, bytes)
        self.postsOfSession = postsOfSession
    }

    /// What one owner may have of a kind without being the first to lose some.
    var share: (count: Int, bytes: Int) { (max(1, count / 100), max(1, bytes / 100)) }
    /// How many go at once.
    var batch: Int { max(1, count / 1000) }
}

/// For whom a one-time value is kept.
struct OneTimeOwner {
    /// A session's sid, or what stands for an address.
    var name: String
    /// Bytes that count.
    var size: Int
}

/// What every store does alike, whatever it keeps its sessions in (Sources/README.md, *Words*).
enum StoreRules {
    /// How long a replaced cookie stays good: requests that left the browser before its successor arrived.
    static let grace: Duration = .seconds(30)
    /// How long other processes find what changed of a session; they look twice a second.
    static let told: Duration = .seconds(300)
    /// How long an ended session is recognised.
    static let remembered: Duration = .seconds(3600)
    /// How far a time that was noted may be ahead of the clock. Further, and the clock was set back: idleness, and the age of what the directory said,
    /// are counted from now on, or they would stand still until the clock is where it was.
    static let ahead: Duration = .seconds(10)
    /// Cookies of one session at one host that are good at the same time (tabs that log in at once); the oldest go first.
    static let cookiesPerPlace = 64
    /// Rows (of a kind) that one transaction of a longer work touches, so that nobody waits long behind it: 50 ms with a million sessions.
    static let batch = 250
    /// Transactions of one sweep.
    static let sweepRounds = 20
    /// Bytes of a User-Agent that are kept.
    static let userAgentLimit = 512
    /// Bytes of an address that are kept; the longest IPv6 text with a zone has fewer.
    static let addressLimit = 64

    /// Whether something that was over at `end` is still recognised.
    static func isRemembered(_ end: WallTime, at now: WallTime) -> Bool { now < end.advanced(by: remembered) }

    /// Until when a replaced cookie is good. A second replacement does not prolong the first.
    static func goodUntil(_ before: WallTime?, replacedAt now: WallTime) -> WallTime {
        let end = now.advanced(by: grace)
        return before.map { min($0, end) } ?? end
    }

    /// At most `limit` bytes of `text`, cut between characters.
    static func cut(_ text: String, to limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        var length = 0
        let kept = text.unicodeScalars.prefix { scalar in
            length += UTF8.width(scalar)
            return length <= limit
        }
        return String(kept)
    }

    /// A cookie value is new by definition: 256 random bits. One that is in the store already is a fault of the caller or of the store.
    static let repeatedCookie = StoreFailure(.corrupt, "a new cookie's hash is in the store already")
    static let closed = StoreFailure(.unreachable, "the store is closed")
    static let tooLarge = StoreFailure(.full, "a one-time value is larger than what the store keeps of its kind")
}

extension SessionRecord {
    /// When it is over if nothing more is seen of it.
    func end(idle: Duration) -> WallTime { min(expires, lastSeen.advanced(by: idle)) }

    /// A new session.
    init(sid: String, login: Login, now: WallTime, limits: SessionLimits) {
        self.init(
            sid: sid, member: login.member, authTime: login.authTime, amr: login.amr, created: now, lastSeen: now,
            expires: now.advanced(by: limits.lifetime), checked: login.checked ?? now,
            address: StoreRules.cut(login.address, to: StoreRules.addressLimit),
            userAgent: StoreRules.cut(login.userAgent, to: StoreRules.userAgentLimit))
    }

    /// The same person proved again who they are: all but `sid`, `created` and the children is new.
    mutating func renew(_ login: Login, now: WallTime, limits: SessionLimits) {
        var renewed = SessionRecord(sid: sid, login: login, now: now, limits: limits)
        renewed.created = created
        renewed.lastSeen = max(lastSeen, now)
        // Whoever took their time over the login brings an answer of the directory that may be older than what is known by now.
        if renewed.checked < checked { (renewed.member, renewed.checked) = (member, checked) }
        renewed.hosts = hosts
        self = renewed
    }
}
