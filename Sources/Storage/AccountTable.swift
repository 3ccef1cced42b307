import Access
import Bytes
import Crypto

/// The statements about accounts and their bindings. Whoever calls several of them wraps them in a transaction.
struct AccountTable {
    let database: Database
    let sealing: SealingKey

    /// An account's row.
    struct Row: Equatable {
        var id: Int64
        var name: String
        var details: AccountDetails
    }

    // MARK: - Finding

    func find(_ name: String) throws(StoreFailure) -> Row? {
        try database.first("SELECT id, name, key, details FROM accounts WHERE key = ?", [.text(name.lowercased())]) { row throws(StoreFailure) in
            try accountRow(row)
        }
    }

    /// The account that a person is bound to, with all its bindings.
    func find(_ person: Person) throws(StoreFailure) -> Account? {
        let id = try database.first(
            "SELECT account FROM bindings WHERE connection = ? AND user_key = ?", [.text(person.connection), .text(person.userKey)]
        ) { row throws(StoreFailure) in try row.integer(0) }
        return try id.flatMap { id throws(StoreFailure) in try account(id) }
    }

    /// Accounts that a search matches and that nobody of its connection is bound to.
    func matching(_ search: AccountSearch) throws(StoreFailure) -> [Account] {
        var parts: [String] = []
        var values: [SQLValue] = []
        for name in search.names.sorted() {
            parts.append("SELECT id FROM accounts WHERE key = ?")
            values.append(.text(name))
        }
        for (column, text) in [("email", search.email), ("mobile", search.mobile)] {
            guard let text else { continue }
            let hash = SQLValue.blob(try hash(text, column).bytes)
            parts += ["SELECT id FROM accounts WHERE \(column) = ?", "SELECT account FROM bindings WHERE \(column) = ?"]
            values += [hash, hash]
        }
        guard !parts.isEmpty else { return [] }
        var ids: [Int64] = []
        try database.each(
            """
            SELECT f.id FROM (\(parts.joined(separator: " UNION "))) f
            WHERE NOT EXISTS (SELECT 1 FROM bindings b WHERE b.account = f.id AND b.connection = ?) ORDER BY f.id LIMIT ?
            """, values + [.text(search.person.connection), .integer(Int64(AccountFindings.limit))]
        ) { row throws(StoreFailure) in ids.append(try row.integer(0)) }
        var accounts: [Account] = []
        for id in ids { if let account = try account(id) { accounts.append(account) } }
        return accounts
    }

    func account(_ id: Int64) throws(StoreFailure) -> Account? {
        let found = try database.first("SELECT id, name, key, details FROM accounts WHERE id = ?", [.integer(id)]) { row throws(StoreFailure) in
            try accountRow(row)
        }
        guard let found else { return nil }
        var account = Account(found.name, details: found.details)
        try database.each("\(Self.bindingColumns) WHERE b.account = ? ORDER BY b.id", [.integer(id)]) { row throws(StoreFailure) in
            account.bindings.append(try binding(row))
        }
        return account
    }

    /// All accounts, by name.
    func all() throws(StoreFailure) -> [Account] {
        var accounts: [Account] = []
        var places: [Int64: Int] = [:]
        try database.each("SELECT id, name, key, details FROM accounts ORDER BY key") { row throws(StoreFailure) in
            let found = try accountRow(row)
            places[found.id] = accounts.count
            accounts.append(Account(found.name, details: found.details))
        }
        try database.each("\(Self.bindingColumns) ORDER BY b.id") { row throws(StoreFailure) in
            if let place = places[try row.integer(0)] { accounts[place].bindings.append(try binding(row)) }
        }
        return accounts
    }

    private func accountRow(_ row: Statement) throws(StoreFailure) -> Row {
        Row(id: try row.integer(0), name: try row.text(1), details: open(try row.blob(3), Self.context(account: try row.text(2))))
    }

    private static let bindingColumns = "SELECT b.account, b.connection, b.user, b.details, b.agreed FROM bindings b"

    private func binding(_ row: Statement) throws(StoreFailure) -> AccountBinding {
        let person = Person(connection: try row.text(1), user: try row.text(2))
        var binding = AccountBinding(person, details: open(try row.blob(3), Self.context(person)))
        if !row.isNull(4) { binding.agreed = open(try row.blob(4), Self.context(agreed: person)) }
        return binding
    }

    // MARK: - Changing

    /// Returns the new row's id.
    func insert(_ name: String, _ details: AccountDetails) throws(StoreFailure) -> Int64 {
        let key = name.lowercased()
        try database.run(
            "INSERT INTO accounts (name, key, details, email, mobile) VALUES (?, ?, ?, ?, ?)",
            [.text(name), .text(key), .blob(try seal(details, Self.context(account: key)))] + (try hashes(details)))
        return database.lastRow
    }

    func rewrite(_ row: Row) throws(StoreFailure) {
        try database.run(
            "UPDATE accounts SET name = ?, details = ?, email = ?, mobile = ? WHERE id = ?",
            [.text(row.name), .blob(try seal(row.details, Self.context(account: row.name.lowercased())))] + (try hashes(row.details)) + [.integer(row.id)])
    }

    func bind(_ person: Person, to account: Int64, details: AccountDetails = AccountDetails(), now: WallTime) throws(StoreFailure) {
        try database.run(
            "INSERT INTO bindings (account, connection, user, user_key, details, email, mobile) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                .integer(account), .text(person.connection), .text(person.user), .text(person.userKey),
                .blob(try seal(details, Self.context(person))),
            ] + (try hashes(details)))
        try note(person, now: now)
    }

    func rewrite(_ binding: AccountBinding) throws(StoreFailure) {
        let person = binding.person
        try database.run(
            "UPDATE bindings SET user = ?, details = ?, email = ?, mobile = ?, agreed = ? WHERE connection = ? AND user_key = ?",
            [.text(person.user), .blob(try seal(binding.details, Self.context(person)))] + (try hashes(binding.details))
                + [.blob(try seal(binding.agreed, Self.context(agreed: person))), .text(person.connection), .text(person.userKey)])
    }

    func keep(agreed: AccountDetails, of person: Person) throws(StoreFailure) -> Bool {
        try database.run(
            "UPDATE bindings SET agreed = ? WHERE connection = ? AND user_key = ?",
            [.blob(try seal(agreed, Self.context(agreed: person))), .text(person.connection), .text(person.userKey)]) > 0
    }

    func unbind(_ person: Person, now: WallTime) throws(StoreFailure) {
        try database.run("DELETE FROM bindings WHERE connection = ? AND user_key = ?", [.text(person.connection), .text(person.userKey)])
        try note(person, now: now)
    }

    /// Its bindings go with it.
    func remove(_ account: Int64) throws(StoreFailure) {
        try database.run("DELETE FROM accounts WHERE id = ?", [.integer(account)])
    }

    /// That a person's account may be another by now.
    func note(_ person: Person, now: WallTime) throws(StoreFailure) {
        try database.run(
            "INSERT INTO account_changes (connection, user, at) VALUES (?, ?, ?)", [.text(person.connection), .text(person.user), .time(now)])
    }

    /// Forgets what is over, a bounded part of it; returns how many rows went of the kind that had the most.
    func sweep(before: WallTime, now: WallTime) throws(StoreFailure) -> Int {
        let limit = SQLValue.integer(Int64(StoreRules.batch))
        return max(
            try database.run(
                "DELETE FROM account_changes WHERE seq IN (SELECT seq FROM account_changes WHERE at <= ? LIMIT ?)", [.time(before), limit]),
            try database.run("DELETE FROM binding_codes WHERE expires <= ?", [.time(now)]),
            try database.run("DELETE FROM binding_tries WHERE until <= ?", [.time(now)]),
            try database.run("DELETE FROM consents_asked WHERE until <= ?", [.time(now)]))
    }

    // MARK: - What is not in the clear

    /// What a text is found by: nobody who has only the file can try numbers and addresses out.
    func hash(_ text: String, _ what: String) throws(StoreFailure) -> Digest256 {
        do { return try sealing.hash(text, context: "account " + what) } catch { throw StoreFailure(.unreachable, "an account's hash could not be made") }
    }

    private func hashes(_ details: AccountDetails) throws(StoreFailure) -> [SQLValue] {
        let email = try AccountText.emailKey(details.email).map { text throws(StoreFailure) in SQLValue.blob(try hash(text, "email").bytes) }
        let mobile = try AccountText.mobileKey(details.mobile).map { text throws(StoreFailure) in SQLValue.blob(try hash(text, "mobile").bytes) }
        return [email ?? .null, mobile ?? .null]
    }

    private func seal(_ details: AccountDetails, _ context: String) throws(StoreFailure) -> [UInt8] {
        if details.isEmpty { return [] }
        return try SealedAccountDetails.seal(details, with: sealing, context: context)
    }

    /// What was sealed with another key is gone; the account and its bindings are not.
    private func open(_ sealed: [UInt8], _ context: String) -> AccountDetails {
        sealed.isEmpty ? AccountDetails() : SealedAccountDetails.open(sealed, with: sealing, context: context) ?? AccountDetails()
    }

    private static func context(account key: String) -> String { "menwei account " + key }
    private static func context(_ person: Person) -> String { "menwei binding \(person.connection)/\(person.userKey)" }
    private static func context(agreed person: Person) -> String { "menwei agreed \(person.connection)/\(person.userKey)" }
}
