public import Bytes

/// One browser logged in as one member. Cookies point at it; it never holds one.
public struct SessionRecord: Equatable, Sendable {
    /// The public id, 22 characters base64url of 128 random bits. It opens nothing.
    public var sid: String
    public var member: Member
    /// When the person last proved who they are.
    public var authTime: WallTime
    /// How (RFC 8176 style): `["wecom"]`.
    public var amr: [String]
    /// When it was opened; a later login of the same person does not move it.
    public var created: WallTime
    /// The last request at any host, as far as the store was told (workers report in batches).
    public var lastSeen: WallTime
    /// The absolute end.
    public var expires: WallTime
    /// When the directory last vouched for the member.
    public var checked: WallTime
    /// The client's address and User-Agent at login, for the person's list of sessions.
    public var address: String
    public var userAgent: String
    /// The hosts that this session entered.
    public var hosts: [String] = []
    /// Of a record that a cookie led to: until when that cookie is good, if another took its place. Whoever keeps the record must not let the
    /// cookie in any longer.
    public var cookieGoodUntil: WallTime?

    public init(sid: String, member: Member, authTime: WallTime, amr: [String], created: WallTime, lastSeen: WallTime, expires: WallTime,
                checked: WallTime, address: String, userAgent: String) {
        self.sid = sid
        self.member = member
        self.authTime = authTime
        self.amr = amr
        self.created = created
        self.lastSeen = lastSeen
        self.expires = expires
        self.checked = checked
        self.address = address
        self.userAgent = userAgent
    }

    /// Whether it still stands at `now`: before its absolute end, and not idle for longer than `idle`.
    public func isLive(at now: WallTime, idle: Duration) -> Bool {
        now < expires && now.milliseconds - lastSeen.milliseconds < idle.milliseconds
    }
}
