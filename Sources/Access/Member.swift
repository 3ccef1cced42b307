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
    /// The account table says so; else it is the one that the user id gives by itself.
    public var isInTable = false
    public var name = ""
    public var email = ""
    public var mobile = ""
    /// Department ids of `corp`: those that the directory names for the member, and behind them the ones above them, as far as the app may see them.
    public var departments: [Int] = []
    /// Tag ids of `corp`, ascending: of the tags that any rule names.
    public var tags: [Int] = []

    public init(connection: String, corp: String, user: String, account: String) {
        self.connection = connection
        self.corp = corp
        self.user = user
        self.account = account
    }

    /// The account folded for comparison (WeCom compares user ids without regard to case).
    public var accountKey: String { account.lowercased() }

    public var person: Person { Person(connection: connection, user: user) }

    /// Whether both are the same person under the same account: same connection, same user id and account but for case.
    public func isSamePerson(as other: Member) -> Bool { person == other.person && accountKey == other.accountKey }
}
