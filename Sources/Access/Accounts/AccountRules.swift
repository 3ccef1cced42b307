/// How logins and the account table meet (README, *Accounts*).
public struct AccountRules: Equatable, Sendable {
    public enum Mode: String, Sendable {
        /// Whoever a WeCom connection vouches for has an account.
        case open
        /// Only who is in the table.
        case known
    }
    /// What a new member is compared by with the accounts in the table.
    public enum Field: String, CaseIterable, Sendable {
        case id, email, mobile
    }

    public var mode = Mode.open
    public var match: Set<Field> = []
    /// Whether a member who matches nothing is asked for a one-time binding code.
    public var asksForCode = false

    public init() {}

    /// Whether they ask anything of a table; without one, members have the accounts that their user ids give.
    public var needsTable: Bool { mode == .known || !match.isEmpty || asksForCode }
}

/// What is looked for in the table when somebody logs in.
public struct AccountSearch: Equatable, Sendable {
    public var person: Person
    /// The account that the user id gives by itself: `zhangsan`, or `CONNECTION/zhangsan` without plain names.
    public var ownName: String
    /// Account names that match them, folded.
    public var names: Set<String> = []
    /// What an account's addresses and numbers are compared with (`AccountText.emailKey`, `mobileKey`).
    public var email: String?
    public var mobile: String?

    /// - Parameters:
    ///   - details: what the connection vouches for.
    ///   - match: by what they may be found; by none, only a binding of theirs counts.
    public init(_ person: Person, ownName: String, details: AccountDetails = AccountDetails(), match: Set<AccountRules.Field> = []) {
        self.person = person
        self.ownName = ownName
        if match.contains(.id) { names = [person.userKey, ownName.lowercased()] }
        if match.contains(.email) { email = AccountText.emailKey(details.email) }
        if match.contains(.mobile) { mobile = AccountText.mobileKey(details.mobile) }
    }
}

/// What the table knows that concerns one search, as it was at one moment.
public struct AccountFindings: Equatable, Sendable {
    /// The account that the person is bound to.
    public var bound: Account?
    /// Accounts that match by any of the fields, each once; some of them may be bound already. At most `limit`.
    public var matching: [Account] = []
    /// Whether the table has an account of the person's own name.
    public var hasOwnName = false

    /// More than that need not be known: two are a doubt already. Accounts that are bound to the same connection are not among them.
    public static let limit = 2

    public init(bound: Account? = nil, matching: [Account] = [], hasOwnName: Bool = false) {
        self.bound = bound
        self.matching = matching
        self.hasOwnName = hasOwnName
    }
}

/// Which account somebody logs in as. Every doubt refuses.
public enum AccountResolution: Equatable, Sendable {
    public enum Refusal: Equatable, Sendable {
        /// Nothing in the table is theirs, and they need something there.
        case unknown
        /// More than one account matches.
        case ambiguous
        /// The account that the user id gives is another's in the table.
        case taken
    }

    /// They are bound to it.
    case bound(Account)
    /// They match it, alone: to be bound to it, if nobody was faster.
    case match(Account)
    /// The table says nothing of them; they have the account that their user id gives.
    case own(String)
    /// To be asked for a binding code; or they go on with the account of that name, where there is one.
    case ask(ownName: String?)
    case refused(Refusal)

    /// - Parameter needsTable: the person has no account by themselves (people of a WeChat connection).
    public init(_ search: AccountSearch, _ found: AccountFindings, _ rules: AccountRules, needsTable: Bool) {
        if let bound = found.bound {
            self = .bound(bound)
            return
        }
        // An account that is bound to somebody of that connection is theirs, whatever else matches.
        let free = found.matching.filter { !$0.isBound(to: search.person.connection) }
        if let only = free.first {
            self = free.count == 1 ? .match(only) : .refused(.ambiguous)
            return
        }
        let isOpen = rules.mode == .open && !needsTable
        let ownName = isOpen && !found.hasOwnName ? search.ownName : nil
        if rules.asksForCode {
            self = .ask(ownName: ownName)
        } else if let ownName {
            self = .own(ownName)
        } else {
            self = .refused(isOpen ? .taken : .unknown)
        }
    }
}
