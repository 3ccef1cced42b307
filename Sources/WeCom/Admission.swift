/// A login that ends without a member: what the person is told, and what the record says.
public struct LoginRefusal: Error, Equatable, Sendable {
    public var failure: LoginFailure
    /// The failed call, where one failed.
    public var error: WeComError?
    /// Whom WeCom named, if it got so far: for the record, never for the page.
    public var user: String?

    public init(_ failure: LoginFailure, error: WeComError? = nil, user: String? = nil) {
        self.failure = failure
        self.error = error
        self.user = user
    }
    public init(_ error: WeComError) {
        self.init(LoginFailure(error), error: error)
    }
}

/// Who may come in, once WeCom has answered. Every doubt refuses.
public enum Admission {
    /// The member's user id behind an identity.
    public static func member(_ identity: Identity) throws(LoginRefusal) -> String {
        switch identity {
        case .member(let user): return user
        case .linkedMember: throw LoginRefusal(.linkedCorp)
        case .outsider, .known: throw LoginRefusal(.notAMember)
        }
    }

    /// The member as the directory shows them. `getuserinfo` names members outside of the visible range as well; only `user/get` tells.
    /// - Parameter visibleRangeOnly: false: who is outside is let in, with the user id alone.
    public static func decide(
        user: String, lookup: Result<DirectoryMember, WeComError>, visibleRangeOnly: Bool
    ) throws(LoginRefusal) -> DirectoryMember {
        switch lookup {
        case .success(let member):
            switch member.status {
            case .active: return member
            case .left: throw LoginRefusal(.memberGone)
            case .disabled, .notActivated, .other: throw LoginRefusal(.memberDisabled)
            }
        case .failure(let error):
            if error.errcode == ErrorCode.notInVisibleRange, !visibleRangeOnly { return DirectoryMember(user: user) }
            throw LoginRefusal(error)
        }
    }
}
