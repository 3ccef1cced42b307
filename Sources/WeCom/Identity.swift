/// Whom a code stands for (developer document 96442).
public enum Identity: Equatable, Sendable {
    /// A member of the corp, inside or outside of the app's visible range: the user id as WeCom wrote it.
    case member(user: String)
    /// A member of a linked corp.
    case linkedMember(corp: String, user: String)
    /// Somebody who is no member; WeCom knows them by an openid.
    case outsider
    /// A person of whom everything was told with the code: WeChat has no directory.
    case known(DirectoryMember)
}

/// What `user/get` tells of a member (developer document 90196). Texts that the app may not see are empty.
public struct DirectoryMember: Equatable, Sendable {
    /// WeCom's `status`.
    public enum Status: Equatable, Sendable {
        /// 1, or not given
        case active
        /// 2
        case disabled
        /// 4
        case notActivated
        /// 5
        case left
        case other(Int)
    }

    /// The user id as WeCom wrote it.
    public var user: String
    public var status = Status.active
    /// At most 512 bytes.
    public var name = ""
    /// `email`, else `biz_mail`; at most 254 bytes.
    public var email = ""
    /// At most 32 bytes.
    public var mobile = ""
    /// The department ids that the app may see, in WeCom's order, at most 1,000; of a member who was placed, those above them too (`CorpGroups.placed`).
    public var departments: [Int] = []
    /// Of the tags that rules name; empty before the member was placed.
    public var tags: [Int] = []

    public init(user: String) { self.user = user }
}
