/// A person whom a connection has identified, and what the directory tells of them. Unknown texts are empty.
public struct Member: Equatable, Sendable {
    /// The id of the connection that vouches for them.
    public var connection: String
    /// The corp id.
    public var corp: String
    /// The user id as WeCom gave it (1–64 bytes; compared without regard to case).
    public var user: String
    /// The name under which applications know them, as WeCom gave it; see `accountKey` for comparing.
    public var account: String
    public var name = ""
    public var email = ""
    public var mobile = ""
    /// Department ids of `corp`: those that the directory names for the member, without the ones above them.
    public var departments: [Int] = []
    /// Tag ids of `corp`. Nothing asks for them in this version: empty.
    public var tags: [Int] = []

    public init(connection: String, corp: String, user: String, account: String) {
        self.connection = connection
        self.corp = corp
        self.user = user
        self.account = account
    }

    /// The account folded for comparison (WeCom compares user ids without regard to case).
    public var accountKey: String { account.lowercased() }

    /// Whether both are the same person: same connection, same user id but for case.
    public func isSamePerson(as other: Member) -> Bool {
        connection == other.connection && user.lowercased() == other.user.lowercased()
    }
}
