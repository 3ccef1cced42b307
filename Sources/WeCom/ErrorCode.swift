/// WeCom's error codes that a gateway meets (developer document 90313), and what kind of trouble each is.
public enum ErrorCode {
    public static let busy = -1
    public static let badUserID = 40003
    public static let badToken = 40014
    public static let badCode = 40029
    public static let spentCode = 40163
    public static let missingToken = 41001
    public static let expiredToken = 42001
    public static let expiredCode = 42003
    public static let tooManyCalls = 45009
    public static let tooManyAtOnce = 45033
    public static let outsidePermission = 50002
    public static let appDisabled = 50003
    public static let notInVisibleRange = 60011
    public static let addressNotTrusted = 60020
    public static let noSuchUser = 60111
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
        case 40001, 40091,  // secret
            40013,  // corp id
            40056,  // agent id
            40057,  // callback URL
            40068, 81011,  // tag
            40084, 40085, 40086,  // suite app
            48002, 48004,  // interface not granted, authorisation withdrawn
            50001,  // trusted domain
            appDisabled,
            60003, 60123,  // department
            addressNotTrusted,
            301002,  // agent id of another app
            701008...701099:  // licence of a provider's app
            .config
        default:
            // 40058, 40063, 41001, 41002, 41004, 41008, 42007, 48005, 81013, 82001, 91040: calls that we should not have made so.
            .bug
        }
    }
}
