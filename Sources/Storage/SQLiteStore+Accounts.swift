public import Access
public import Bytes
import Crypto

/// The account table, in the same file as the sessions or in one of its own.
extension SQLiteStore: AccountStore {
    public func find(_ search: AccountSearch) throws(StoreFailure) -> AccountFindings {
        try read { database throws(StoreFailure) in
            let table = accounts(database)
            if let bound = try table.find(search.person) { return AccountFindings(bound: bound) }
            return AccountFindings(matching: try table.matching(search), hasOwnName: try table.find(search.ownName) != nil)
        }
    }

    public func bindFirst(_ person: Person, to account: String, now: WallTime) throws(StoreFailure) -> Bool {
        try write(.full) { database, _ throws(StoreFailure) in
            let table = accounts(database)
            guard try table.find(person) == nil, let row = try table.find(account),
                let found = try table.account(row.id), !found.isBound(to: person.connection)
            else { return false }
            try table.bind(person, to: row.id, now: now)
            return true
        }
    }

    public func openAccount(_ name: String, for person: Person, now: WallTime) throws(StoreFailure) -> Bool {
        try write(.full) { database, _ throws(StoreFailure) in
            let table = accounts(database)
            guard try table.find(person) == nil, try table.find(name) == nil else { return false }
            try table.bind(person, to: try table.insert(name, AccountDetails()), now: now)
            return true
        }
    }

    public func keep(agreed: AccountDetails, of person: Person) throws(StoreFailure) -> Bool {
        try write(.full) { database, _ throws(StoreFailure) in try accounts(database).keep(agreed: agreed, of: person) }
    }

    public func askedUntil(_ person: Person, now: WallTime) throws(StoreFailure) -> WallTime? {
        try read { database throws(StoreFailure) in
            try database.first(
                "SELECT until FROM consents_asked WHERE connection = ? AND user_key = ? AND until > ?",
                [.text(person.connection), .text(person.userKey), .time(now)]
            ) { row throws(StoreFailure) in try row.time(0) }
        }
    }

    public func noteAsked(_ person: Person, until: WallTime) throws(StoreFailure) {
        _ = try write(.normal) { database, _ throws(StoreFailure) in
            try database.run(
                "INSERT OR REPLACE INTO consents_asked (connection, user_key, until) VALUES (?, ?, ?)",
                [.text(person.connection), .text(person.userKey), .time(until)])
        }
    }

    // MARK: - Binding codes

    public func issue(_ code: BindingCode, for account: String, now: WallTime) throws(StoreFailure) -> Bool {
        try write(.full) { database, _ throws(StoreFailure) in
            let table = accounts(database)
            guard let row = try table.find(account) else { return false }
            try database.run(
                "INSERT OR REPLACE INTO binding_codes (account, hash, expires) VALUES (?, ?, ?)",
                [.integer(row.id), .blob(try table.hash(code.text, "code").bytes), .time(now.advanced(by: BindingCode.life))])
            try database.run("DELETE FROM binding_tries")
            return true
        }
    }

    public func redeem(_ code: BindingCode?, by person: Person, now: WallTime) throws(StoreFailure) -> CodeOutcome {
        try write(.full) { database, _ throws(StoreFailure) in
            let table = accounts(database)
            if let bound = try table.find(person) { return .bound(bound) }
            let tries = try wrongTries(database, person, now: now)
            guard tries < BindingCode.tries else { return .spent }
            if let code, let id = try account(of: code, table, now: now) {
                try table.bind(person, to: id, now: now)
                try database.run("DELETE FROM binding_codes WHERE account = ?", [.integer(id)])
                try database.run(
                    "DELETE FROM binding_tries WHERE connection = ? AND user_key = ?", [.text(person.connection), .text(person.userKey)])
                if let bound = try table.account(id) { return .bound(bound) }
            }
            try database.run(
                """
                INSERT INTO binding_tries (connection, user_key, count, until) VALUES (?, ?, 1, ?)
                ON CONFLICT DO UPDATE SET count = iif(until > ?, count + 1, 1), until = max(until, excluded.until)
                """,
                [.text(person.connection), .text(person.userKey), .time(now.advanced(by: BindingCode.life)), .time(now)])
            return .wrong(triesLeft: BindingCode.tries - tries - 1)
        }
    }

    private func wrongTries(_ database: Database, _ person: Person, now: WallTime) throws(StoreFailure) -> Int {
        Int(try database.integer(
            "SELECT count FROM binding_tries WHERE connection = ? AND user_key = ? AND until > ?",
            [.text(person.connection), .text(person.userKey), .time(now)]))
    }

    private func account(of code: BindingCode, _ table: AccountTable, now: WallTime) throws(StoreFailure) -> Int64? {
        try table.database.first(
            "SELECT account FROM binding_codes WHERE hash = ? AND expires > ?", [.blob(try table.hash(code.text, "code").bytes), .time(now)]
        ) { row throws(StoreFailure) in try row.integer(0) }
    }

    // MARK: - Administration

    public func accounts() throws(StoreFailure) -> [Account] {
        try read { database throws(StoreFailure) in try accounts(database).all() }
    }

    public func take(_ rows: [AccountRow], now: WallTime) throws(StoreFailure) -> [AccountConflict] {
        try write(.full) { database, _ throws(StoreFailure) in
            let table = accounts(database)
            var conflicts: [AccountConflict] = []
            var claimed: [Person: String] = [:]
            for (index, row) in rows.enumerated() {
                guard let person = row.person else { continue }
                var other = claimed[person]
                if other == nil { other = try table.find(person)?.name }
                if let other, other.lowercased() != row.account.lowercased() { conflicts.append(AccountConflict(row: index, boundTo: other)) }
                claimed[person] = other ?? row.account
            }
            guard conflicts.isEmpty else { return conflicts }
            for row in rows { try take(row, table, now: now) }
            return []
        }
    }

    private func take(_ row: AccountRow, _ table: AccountTable, now: WallTime) throws(StoreFailure) {
        let id: Int64
        if var found = try table.find(row.account) {
            let before = found
            found.name = row.account
            if row.person == nil { found.details = row.details.filled(from: found.details) }
            if found != before { try table.rewrite(found) }
            if found.name != before.name {
                for binding in try table.account(found.id)?.bindings ?? [] { try table.note(binding.person, now: now) }
            }
            id = found.id
        } else {
            id = try table.insert(row.account, row.person == nil ? row.details : AccountDetails())
        }
        guard let person = row.person else { return }
        guard let account = try table.find(person), let bound = account.bindings.first(where: { $0.person == person }) else {
            return try table.bind(person, to: id, details: row.details, now: now)
        }
        // An export that is imported again changes nothing: what was agreed to does not become the administrator's word.
        let news = row.details.without(account.details(of: person))
        guard !news.isEmpty || person.user != bound.person.user else { return }
        try table.rewrite(AccountBinding(person, details: news.filled(from: bound.details), agreed: bound.agreed.cleared(where: news)))
    }

    public func unbind(_ account: String, connection: String?, now: WallTime) throws(StoreFailure) -> [Person]? {
        try write(.full) { database, _ throws(StoreFailure) in
            let table = accounts(database)
            guard var row = try table.find(account), let found = try table.account(row.id) else { return nil }
            let leaving = found.bindings.filter { connection == nil || $0.person.connection == connection }
            // What the administrator wrote beside a binding is the account's from now on, where it is one person's.
            if !found.isShared { row.details = leaving.reduce(row.details) { $0.filled(from: $1.details) } }
            if row.details != found.details { try table.rewrite(row) }
            for binding in leaving { try table.unbind(binding.person, now: now) }
            return leaving.map(\.person)
        }
    }

    public func remove(_ account: String, now: WallTime) throws(StoreFailure) -> Bool {
        try write(.full) { database, _ throws(StoreFailure) in
            let table = accounts(database)
            guard let row = try table.find(account), let found = try table.account(row.id) else { return false }
            for binding in found.bindings { try table.unbind(binding.person, now: now) }
            try table.remove(row.id)
            return true
        }
    }

    // MARK: - Changes

    public func changes(after cursor: Int64) throws(StoreFailure) -> (people: [Person], cursor: Int64) {
        try read { database throws(StoreFailure) in
            var last = cursor
            var people: Set<Person> = []
            try database.each(
                "SELECT seq, connection, user FROM account_changes WHERE seq > ? ORDER BY seq LIMIT ?",
                [.integer(cursor), .integer(Int64(StoreRules.batch))]
            ) { row throws(StoreFailure) in
                last = try row.integer(0)
                people.insert(Person(connection: try row.text(1), user: try row.text(2)))
            }
            return (Array(people), last)
        }
    }

    private func accounts(_ database: Database) -> AccountTable { AccountTable(database: database, sealing: sealing) }
}
