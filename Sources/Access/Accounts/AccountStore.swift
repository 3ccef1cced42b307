public import Bytes

/// What became of a binding code that somebody tried.
public enum CodeOutcome: Equatable, Sendable {
    /// The account that the person is bound to now, or was already.
    case bound(Account)
    /// It is none, was used, or is too old.
    case wrong(triesLeft: Int)
    /// The person tried too often: not even a good code helps.
    case spent
}

/// One row of the table, as an import has it. Without a person it tells of the account, and makes it where there is none.
public struct AccountRow: Equatable, Sendable {
    public var account: String
    public var person: Person?
    /// What is empty stays as it is.
    public var details: AccountDetails

    public init(_ account: String, _ person: Person? = nil, details: AccountDetails = AccountDetails()) {
        self.account = account
        self.person = person
        self.details = details
    }
}

/// A row that cannot be taken: the person is bound to another account.
public struct AccountConflict: Equatable, Sendable {
    /// Index into the rows.
    public var row: Int
    /// The account that the person is bound to.
    public var boundTo: String

    public init(row: Int, boundTo: String) {
        self.row = row
        self.boundTo = boundTo
    }
}

/// The account table. Every call stands alone (atomic), so that a server shared by several machines can implement it. Account names and user ids are
/// compared without regard to case. What it keeps of names, addresses and numbers can be read with the gateway's key only.
public protocol AccountStore: Sendable {
    // MARK: For logins

    /// What the table knows that concerns the search.
    func find(_ search: AccountSearch) async throws(StoreFailure) -> AccountFindings
    /// Binds a person to the account that they match, if nobody of their connection is bound to it by now, and they to none. False: look again.
    func bindFirst(_ person: Person, to account: String, now: WallTime) async throws(StoreFailure) -> Bool
    /// Makes an account of that name with that person bound to it, if there is neither yet. False: look again.
    func openAccount(_ name: String, for person: Person, now: WallTime) async throws(StoreFailure) -> Bool
    /// Binds a person to the account that the code was made for, and uses the code up. Counts wrong ones (`BindingCode.tries`); nil counts as one.
    func redeem(_ code: BindingCode?, by person: Person, now: WallTime) async throws(StoreFailure) -> CodeOutcome
    /// Keeps what a bound person agreed to show, in place of what was kept of them before. False where they are not bound.
    func keep(agreed: AccountDetails, of person: Person) async throws(StoreFailure) -> Bool
    /// Until when a person is not to be asked for their details, where that is later than `now`.
    func askedUntil(_ person: Person, now: WallTime) async throws(StoreFailure) -> WallTime?
    /// Notes that a person was asked, and is not to be asked again until then.
    func noteAsked(_ person: Person, until: WallTime) async throws(StoreFailure)

    // MARK: For the administrator

    /// All accounts, by name.
    func accounts() async throws(StoreFailure) -> [Account]
    /// Takes all rows or, where there is a conflict, none. A person is bound to the account of their row, whoever else is bound to it, and accounts are
    /// made where there are none. Texts that differ from what is known take its place, what a person agreed to included.
    func take(_ rows: [AccountRow], now: WallTime) async throws(StoreFailure) -> [AccountConflict]
    /// Takes bindings of an account away, of one connection or of all, and what was kept of those people; the account stays. Returns who was bound;
    /// nil where the table has no such account.
    func unbind(_ account: String, connection: String?, now: WallTime) async throws(StoreFailure) -> [Person]?
    /// Forgets an account with all its bindings and codes. False where there is none.
    func remove(_ account: String, now: WallTime) async throws(StoreFailure) -> Bool
    /// Makes `code` the account's only one, good for a day, and forgets who tried wrong ones. False where the table has no such account.
    func issue(_ code: BindingCode, for account: String, now: WallTime) async throws(StoreFailure) -> Bool

    // MARK: For those whose sessions live

    /// People whose account may be another since `cursor` (0: since an hour ago at least), each once, at most 250, and the cursor for the next call.
    /// Cheap where nothing happened: to be called every 500 ms.
    func changes(after cursor: Int64) async throws(StoreFailure) -> (people: [Person], cursor: Int64)
}
