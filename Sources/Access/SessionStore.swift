public import Bytes
public import Crypto

/// Which cookie it is: the auth origin's own (`__Host-menwei-auth`), or a host's (`__Host-menwei`). A value is good only where it was set.
public enum CookieScope: Hashable, Sendable {
    case auth
    /// The host alone, lower case, no port.
    case host(String)
}

/// What the store knows of a cookie value.
public enum CookieLookup: Equatable, Sendable {
    case live(SessionRecord)
    /// A session that ended (logged out, idle, over) within the last hour. It opens nothing.
    case ended(sid: String, connection: String, user: String, at: WallTime)
    case unknown
}

/// What a login brings to the store.
public struct Login: Sendable {
    public var member: Member
    /// When the person proved who they are.
    public var authTime: WallTime
    /// How (`SessionRecord.amr`).
    public var amr: [String]
    /// The client's address and User-Agent, for the person's list of sessions.
    public var address: String
    public var userAgent: String
    /// Hash of the new value for `__Host-menwei-auth`.
    public var cookie: Digest256
    /// Hash of the value that the browser showed, where it showed one.
    public var previous: Digest256?
    /// When the directory vouched for the member, where that was before the login.
    public var checked: WallTime?

    public init(member: Member, authTime: WallTime, amr: [String], address: String, userAgent: String, cookie: Digest256, previous: Digest256?,
                checked: WallTime? = nil) {
        self.member = member
        self.authTime = authTime
        self.amr = amr
        self.address = address
        self.userAgent = userAgent
        self.cookie = cookie
        self.previous = previous
        self.checked = checked
    }
}

/// Which sessions to end.
public enum SessionSelector: Equatable, Sendable {
    case sid(String)
    /// Folded account name (`Member.accountKey`).
    case account(String)
    case member(connection: String, user: String)
    /// Those of each person that are not under the account that is theirs by now.
    case reassigned([AccountAssignment])
    case all
}

/// Whose which account is.
public struct AccountAssignment: Equatable, Sendable {
    public var person: Person
    /// Folded; nil: they have none any more.
    public var accountKey: String?

    public init(_ person: Person, accountKey: String?) {
        self.person = person
        self.accountKey = accountKey
    }
}

/// A session that another process ended.
public struct SessionEnding: Equatable, Sendable {
    public var sid: String
    public var account: String
    public var connection: String

    public init(sid: String, account: String, connection: String) {
        self.sid = sid
        self.account = account
        self.connection = connection
    }
}

/// What the store tells every worker.
public enum StoreNotice: Equatable, Sendable {
    /// These sessions are over: forget them, end their streams.
    case ended(sids: [String])
    /// What is known of this session changed (directory, login time): look it up again.
    case changed(sids: [String])
    /// A one-time value of a kind that is waited for was put (`OneTimeKind.isAwaited`). Only what this process put is told; others have to be asked for.
    case put(OneTimeKind, Digest256)
}

/// Which things may be taken once: a login state, a ticket, a form post that is kept, a scan, a login that waits for its binding code. Values of one kind are
/// never found under another.
public enum OneTimeKind: UInt8, Sendable {
    case state = 1, ticket, post
    /// A login by our own QR code: who asks, and the answer.
    case scan
    case binding

    /// Somebody may be waiting for one: subscribers are told of it.
    public var isAwaited: Bool { self == .scan }
}

/// Why the store did not do it. It is always the store's trouble: callers answer 503 and let nobody in.
public struct StoreFailure: Error, Equatable, Sendable {
    /// What is wrong with it.
    public enum Code: String, Sendable {
        case unreachable, readOnly, full, corrupt, busy
        /// Made by a newer version of this program.
        case newer
        /// Made by an older version, and not to be brought forward now.
        case older
    }
    public var code: Code
    /// For the administrator's record; never holds a value that was stored.
    public var detail: String
    public init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }
}

/// The storage door: sessions, their cookies, and what may be used once. Every call stands alone (atomic), so that a server shared by
/// several machines can implement it. Cookie values and one-time keys arrive here only as hashes.
public protocol SessionStore: Sendable {
    /// The session behind a cookie value, if it is live at `now`.
    func lookup(_ cookie: Digest256, at scope: CookieScope, now: WallTime) async throws(StoreFailure) -> CookieLookup
    /// Opens a session at the auth origin. Where `previous` is a live session of the same person it is kept (`sid`, children): its auth time,
    /// member and expiry are renewed, the new cookie is added and the old one stays good for 30 s. Another person's session is ended.
    func open(_ login: Login, now: WallTime) async throws(StoreFailure) -> SessionRecord
    /// Gives the live session `sid` a cookie for `host`; a cookie that the browser showed before (`previous`) stays good for 30 s if it is of the
    /// same session, and if it is of another person's session that session ends. Nil where `sid` is not live any more.
    func enter(_ sid: String, host: String, cookie: Digest256, previous: Digest256?, now: WallTime) async throws(StoreFailure) -> SessionRecord?
    /// Ends sessions everywhere and tells all subscribers; returns their sids.
    @discardableResult func end(_ selector: SessionSelector, now: WallTime) async throws(StoreFailure) -> [String]
    /// Notes activity, in batches: sid and when it was last seen. Never moves a time back, never revives what has ended.
    func touch(_ seen: [String: WallTime]) async throws(StoreFailure)
    /// Writes what the directory now says of a person into all their live sessions, and tells subscribers where it changed.
    func update(_ member: Member, checked: WallTime) async throws(StoreFailure)
    /// The live sessions, newest first, of one folded account or of all.
    func list(account: String?, now: WallTime) async throws(StoreFailure) -> [SessionRecord]
    /// The live sessions of one user of a connection; the user id is compared without regard to case.
    func sessions(connection: String, user: String, now: WallTime) async throws(StoreFailure) -> [SessionRecord]
    /// Live sessions, of one connection or of all, whose member the directory vouched for last at `before` or earlier, the oldest answer first, at most
    /// `limit`. To be called every few seconds: its cost follows from what it finds, not from how many sessions there are.
    func due(before: WallTime, of connection: String?, limit: Int, now: WallTime) async throws(StoreFailure) -> [SessionRecord]
    /// How many sessions are live.
    func count(now: WallTime) async throws(StoreFailure) -> Int

    /// Stores `value` under `key` until `expires`, if nothing is there yet; false where something is. The store bounds how many of a kind it
    /// keeps (`OneTimeBounds`).
    /// - Parameter owner: whoever caused it, by any name that tells them from others: who causes too many loses their own first.
    func put(
        _ kind: OneTimeKind, _ key: Digest256, _ value: [UInt8], of owner: String?, expires: WallTime, now: WallTime
    ) async throws(StoreFailure) -> Bool
    /// Stores a form post that session `sid`, which is over, may get back, as `put` does with `OneTimeKind.post`. False where the session would then have
    /// more than the store keeps of one (`OneTimeBounds.postsOfSession`): what is there already was promised, and stays.
    /// - Parameter size: the bytes that count: the body's, whatever lies about it.
    func keepPost(_ key: Digest256, _ value: [UInt8], of sid: String, size: Int, expires: WallTime, now: WallTime) async throws(StoreFailure) -> Bool
    /// Reads without taking.
    func peek(_ kind: OneTimeKind, _ key: Digest256, now: WallTime) async throws(StoreFailure) -> [UInt8]?
    /// Takes: of any number of callers exactly one gets it.
    func take(_ kind: OneTimeKind, _ key: Digest256, now: WallTime) async throws(StoreFailure) -> [UInt8]?

    /// Takes other limits from now on (reload). The absolute end of sessions that are open already stays as it is.
    func setLimits(_ limits: SessionLimits) async
    /// Looks for sessions that another process ended or changed, tells subscribers, and returns those that it ended. Cheap where nothing happened: to be called every 500 ms.
    /// Throws where the store cannot be read.
    @discardableResult func poll(now: WallTime) async throws(StoreFailure) -> [SessionEnding]
    /// Forgets what has been over for more than an hour, and counts idleness anew where the clock was set back; a bounded part of it in one call: to be
    /// called every few seconds.
    func sweep(now: WallTime) async throws(StoreFailure)
    /// Answers if the store can be read, and says whether it can be written.
    func probe() async throws(StoreFailure) -> Bool
    /// Calls `sink` (on any thread, quickly) for each notice from now on.
    func subscribe(_ sink: @escaping @Sendable (StoreNotice) -> Void)
    /// Finishes what was asked, then lets go of files and threads.
    func close() async
}

extension SessionStore {
    /// For values that no stranger can cause.
    public func put(
        _ kind: OneTimeKind, _ key: Digest256, _ value: [UInt8], expires: WallTime, now: WallTime
    ) async throws(StoreFailure) -> Bool {
        try await put(kind, key, value, of: nil, expires: expires, now: now)
    }
    /// For stores that know no limits.
    public func setLimits(_ limits: SessionLimits) async {}
    /// For stores that nobody else writes to.
    @discardableResult public func poll(now: WallTime) async throws(StoreFailure) -> [SessionEnding] { [] }
}
