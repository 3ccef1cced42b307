/// What a person is told when a login does not succeed. The page says this and a reference id; API and code go into the record.
public enum LoginFailure: String, Error, Equatable, Sendable, CaseIterable {
    /// WeCom is busy; try again in a while.
    case busy
    /// The login is set up wrongly; the administrator has to look.
    case misconfigured
    /// The code from WeCom was used already, is too old, or is another corp's: log in again.
    case codeSpent = "code-spent"
    /// Not a member of this corp (WeCom gave an openid only).
    case notAMember = "not-a-member"
    /// A member, whom the app's visible range leaves out.
    case outOfVisibleRange = "out-of-visible-range"
    /// The account is no longer in the directory, or has left the corp.
    case memberGone = "member-gone"
    /// The account is disabled or was never activated.
    case memberDisabled = "member-disabled"
    /// A member of a linked corp, which may not enter.
    case linkedCorp = "linked-corp"
    /// The person refused at WeCom: the way back had no code.
    case declined
    /// The app is disabled in WeCom's console.
    case appDisabled = "app-disabled"
    /// Somebody whom the account table does not have, and who needs an account there.
    case unknownAccount = "unknown-account"
    /// Several accounts of the table match.
    case ambiguousAccount = "ambiguous-account"
    /// The account that the user id gives is somebody else's in the table.
    case accountTaken = "account-taken"
    /// WeCom did not answer.
    case unreachable
    /// WeCom or we did something that should not happen.
    case fault

    /// What a failed call means for the person who logs in.
    public init(_ error: WeComError) {
        switch error.kind {
        case .transient: self = .busy
        case .token: self = .busy
        case .unreachable: self = .unreachable
        case .badAnswer, .bug: self = .fault
        case .config: self = error.errcode == ErrorCode.appDisabled ? .appDisabled : .misconfigured
        case .user:
            switch error.errcode {
            case WeChatCode.notAuthorised where error.isWeChats: self = .declined
            case WeChatCode.restricted where error.isWeChats: self = .memberDisabled
            case ErrorCode.badCode, ErrorCode.spentCode, ErrorCode.expiredCode, WeChatCode.passwordChanged: self = .codeSpent
            case ErrorCode.badUserID, ErrorCode.noSuchUser, ErrorCode.badMember: self = .memberGone
            case ErrorCode.outsidePermission, ErrorCode.notInVisibleRange: self = .outOfVisibleRange
            default: self = .notAMember
            }
        }
    }
}
