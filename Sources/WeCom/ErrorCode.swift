/// WeCom's error codes that a gateway meets (developer document 90313), and what kind of trouble each is.
public enum ErrorCode {
    public static let busy = -1
    public static let badSecret = 40001
    public static let badUserID = 40003
    public static let badCorpID = 40013
    public static let badToken = 40014
    public static let badCode = 40029
    public static let badAgentID = 40056
    public static let badTag = 40068
    /// What older systems say for `badSecret`.
    public static let badSecretOld = 40091
    public static let spentCode = 40163
    public static let missingToken = 41001
    public static let expiredToken = 42001
    public static let expiredCode = 42003
    public static let tooManyCalls = 45009
    public static let tooManyAtOnce = 45033
    public static let notGranted = 48002
    public static let withdrawn = 48004
    public static let untrustedDomain = 50001
    public static let outsidePermission = 50002
    public static let appDisabled = 50003
    public static let noSuchDepartment = 60003
    public static let notInVisibleRange = 60011
    public static let addressNotTrusted = 60020
    public static let noSuchUser = 60111
    public static let badDepartment = 60123
    public static let tagNotAllowed = 81011
    public static let otherAgent = 301002
    public static let badMember = 301021

    /// Codes that are not known count as bugs: nobody but the administrator can find out what they mean.
    static func kind(of code: Int) -> WeComError.Kind {
        switch code {
        case busy, tooManyCalls, tooManyAtOnce:
            .transient
        case badToken, expiredToken,
            40082, 42009:  // the suite's token
            .token
        case badCode, spentCode, expiredCode, badUserID, noSuchUser, badMember, outsidePermission, notInVisibleRange,
            43004:  // not bound to WeChat
            .user
        case badSecret, badSecretOld, badCorpID, badAgentID, otherAgent, badTag, tagNotAllowed, notGranted, withdrawn, untrustedDomain,
            noSuchDepartment, badDepartment,
            40057,  // callback URL
            40084, 40085, 40086,  // suite app
            appDisabled,
            addressNotTrusted,
            701008...701099:  // licence of a provider's app
            .config
        default:
            // 40058, 40063, 41001, 41002, 41004, 41008, 42007, 48005, 81013, 82001, 91040: calls that we should not have made so.
            .bug
        }
    }
}

/// Codes of WeChat's Open Platform that are not WeCom's, or mean something else there. `busy`, `badSecret`, `badToken`, `badCode`, `spentCode`, `expiredToken`,
/// `expiredCode` and `tooManyCalls` are the same in both.
public enum WeChatCode {
    public static let badAppID = 40013
    /// What is said of a wrong AppSecret, beside `ErrorCode.badSecret`.
    public static let wrongSecret = 40125
    public static let passwordChanged = 42007
    public static let tooOften = 45011
    public static let notGranted = 48001
    /// The person did not agree.
    public static let notAuthorised = 50001
    /// The person's account is restricted by WeChat.
    public static let restricted = 50002

    static func kind(of code: Int) -> WeComError.Kind {
        switch code {
        case ErrorCode.busy, ErrorCode.tooManyCalls, tooOften: .transient
        // A token that was given a moment ago.
        case ErrorCode.badToken, ErrorCode.expiredToken: .token
        case ErrorCode.badCode, ErrorCode.spentCode, ErrorCode.expiredCode, passwordChanged, notAuthorised, restricted: .user
        case ErrorCode.badSecret, badAppID, wrongSecret, notGranted: .config
        default:
            // 40003, 40030, 41008, 42002: calls that we should not have made so.
            .bug
        }
    }
}
