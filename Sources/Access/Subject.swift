public import Bytes

/// Who asks, as rules see them. Made once for a session, so that a decision builds nothing.
public final class Subject: Sendable {
    public let member: Member
    /// `Member.accountKey`
    public let accountKey: String
    /// When they last proved who they are; nil: nobody knows, so that every `max_age` asks for a login.
    public let authTime: WallTime?

    public init(_ member: Member, authTime: WallTime?) {
        self.member = member
        accountKey = member.accountKey
        self.authTime = authTime
    }
}

/// What rules may ask of a request beside its path, its method and who asks. What is nil nobody knows, and no key holds for it.
public struct Circumstances: Sendable {
    public var client: IPAddress?
    public var now: WallTime?
    /// When the request came: a login has to be young enough for `max_age` then, and need not stay so for as long as the answer takes.
    public var began: WallTime?

    public init(client: IPAddress?, now: WallTime?, began: WallTime? = nil) {
        self.client = client
        self.now = now
        self.began = began ?? now
    }
}
