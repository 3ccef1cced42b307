/// What an account table, or a member's consent, tells of a person. Unknown texts are empty.
public struct AccountDetails: Equatable, Sendable {
    public var name: String
    public var email: String
    public var mobile: String

    public init(name: String = "", email: String = "", mobile: String = "") {
        self.name = name
        self.email = email
        self.mobile = mobile
    }

    public var isEmpty: Bool { name.isEmpty && email.isEmpty && mobile.isEmpty }

    /// What is not the same in `other`.
    public func without(_ other: AccountDetails) -> AccountDetails {
        AccountDetails(name: name == other.name ? "" : name, email: email == other.email ? "" : email, mobile: mobile == other.mobile ? "" : mobile)
    }

    /// The same without what `news` has.
    public func cleared(where news: AccountDetails) -> AccountDetails {
        AccountDetails(name: news.name.isEmpty ? name : "", email: news.email.isEmpty ? email : "", mobile: news.mobile.isEmpty ? mobile : "")
    }

    /// The same, with what is empty here taken from `other`.
    public func filled(from other: AccountDetails) -> AccountDetails {
        AccountDetails(
            name: name.isEmpty ? other.name : name, email: email.isEmpty ? other.email : email, mobile: mobile.isEmpty ? other.mobile : mobile)
    }
}

/// Whom a connection vouches for, by the only key that counts: the connection and the user id there. Never a display name.
public struct Person: Hashable, Sendable {
    /// The connection's id.
    public var connection: String
    /// The user id as it was given (1–64 bytes for WeCom); compared without regard to case.
    public var user: String

    public init(connection: String, user: String) {
        self.connection = connection
        self.user = user
    }

    /// The user id folded for comparison.
    public var userKey: String { user.lowercased() }

    public static func == (a: Person, b: Person) -> Bool { a.connection == b.connection && a.userKey == b.userKey }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(connection)
        hasher.combine(userKey)
    }
}

/// That somebody logs in as an account.
public struct AccountBinding: Equatable, Sendable {
    public var person: Person
    /// What the table tells of this person alone, and not of the account: their row of an import.
    public var details: AccountDetails
    /// What they agreed to show (`scope: snsapi_privateinfo`). Nobody is found by it: members may write some of it themselves.
    public var agreed: AccountDetails

    public init(_ person: Person, details: AccountDetails = AccountDetails(), agreed: AccountDetails = AccountDetails()) {
        self.person = person
        self.details = details
        self.agreed = agreed
    }

    /// What they agreed to, since WeCom vouches for it, then what the table tells.
    var known: AccountDetails { agreed.filled(from: details) }
}

/// One account of the table: the name under which applications know whoever is bound to it.
public struct Account: Equatable, Sendable {
    /// As the table has it; compared without regard to case (`key`).
    public var name: String
    /// What the table tells of the account, whoever is bound to it.
    public var details: AccountDetails
    /// In the order in which they were made.
    public var bindings: [AccountBinding]

    public init(_ name: String, details: AccountDetails = AccountDetails(), bindings: [AccountBinding] = []) {
        self.name = name
        self.details = details
        self.bindings = bindings
    }

    /// The name folded for comparison.
    public var key: String { name.lowercased() }

    public func isBound(to connection: String) -> Bool { bindings.contains { $0.person.connection == connection } }

    public func isBound(to person: Person) -> Bool { bindings.contains { $0.person == person } }

    /// Whether several people of one connection are bound to it: then it is no single person's.
    public var isShared: Bool { Set(bindings.map(\.person.connection)).count < bindings.count }

    /// What is known of one of those who are bound to it: their own, then the account's, then what its other bindings tell, since they are of the
    /// same person; those who share an account are not, and nobody's mail goes out as another's.
    public func details(of person: Person) -> AccountDetails {
        let own = bindings.first { $0.person == person }?.known ?? AccountDetails()
        let known = own.filled(from: details)
        return isShared ? known : bindings.reduce(known) { $0.filled(from: $1.known) }
    }
}
