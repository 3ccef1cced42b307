public import WeCom

/// A member as departments and tags make of them.
public enum Placement: Equatable, Sendable {
    /// With the departments above their own, and their tags; or, where no rule asks for either, as far as is known.
    case sure(DirectoryMember)
    /// A rule asks for what could not be read: by the last answer, where that may still stand.
    case doubtful(DirectoryMember?, WeComError)
}

/// What was read anew of a corp's departments and tags since somebody asked for news.
public struct GroupNews: Equatable, Sendable {
    public var groups: CorpGroups
    /// Of a department that was known before it is another in which it lies. A new one concerns nobody yet.
    public var treeChanged: Bool
}
