/// The account table as comma-separated values: `account,connection,user,name,email,mobile`. An account may have several rows, one for each person who is
/// bound to it; a row without a person is of an account that nobody is bound to yet.
///
/// Names and addresses are other people's words, and a spreadsheet takes what begins with `= + - @` for a formula: such a field is written with an
/// apostrophe before it, which reading takes off again.
public struct AccountSheet: Equatable, Sendable {
    /// The rows, each with the line where it begins.
    public private(set) var rows: [(line: Int, row: AccountRow)] = []
    public private(set) var faults: [LineFault] = []

    public static let head = ["account", "connection", "user", "name", "email", "mobile"]

    public static func == (a: AccountSheet, b: AccountSheet) -> Bool {
        a.faults == b.faults && a.rows.map(\.line) == b.rows.map(\.line) && a.rows.map(\.row) == b.rows.map(\.row)
    }

    // MARK: - Reading

    /// - Parameter problem: what speaks against a person: there is no such connection, or it has no such user ids.
    public init(_ bytes: [UInt8], problem: (Person) -> String?) {
        let reader = CSVReader(bytes)
        faults = reader.faults
        defer { boundFaults() }
        let head = Self.head.joined(separator: ",")
        guard let first = reader.records.first else {
            if faults.isEmpty { faults.append(LineFault(line: 1, message: "the file is empty; its first line must be \(head)")) }
            return
        }
        guard first.fields.map({ Self.trimmed($0).lowercased() }) == Self.head else {
            faults.append(LineFault(line: first.line, message: "the first line must be \(head)"))
            return
        }
        var lines = Lines()
        for record in reader.records.dropFirst() {
            do throws(RowFault) {
                let row = try Self.row(record.fields, problem)
                try lines.note(row, at: record.line)
                rows.append((record.line, row))
            } catch {
                faults.append(LineFault(line: record.line, message: error.message))
            }
        }
    }

    /// In the order of the lines, and no more than are told.
    private mutating func boundFaults() {
        faults.sort { $0.line < $1.line }
        if faults.count > CSVReader.mostFaults { faults.removeSubrange(CSVReader.mostFaults...) }
    }

    private struct RowFault: Error {
        var message: String
    }

    private static func row(_ texts: [String], _ problem: (Person) -> String?) throws(RowFault) -> AccountRow {
        guard texts.count == head.count else { throw RowFault(message: "\(head.count) fields are expected, this line has \(texts.count)") }
        let fields = texts.map { unguarded(trimmed($0)) }
        let details = AccountDetails(name: fields[3], email: fields[4], mobile: fields[5])
        guard AccountText.isName(fields[0]) else {
            throw RowFault(message: fields[0].isEmpty ? "the account is missing" : "an account is 1 to \(AccountText.nameLimit) bytes of visible ASCII and Chinese characters")
        }
        guard AccountText.isDisplayName(details.name) else { throw RowFault(message: "the name is longer than \(AccountText.displayNameLimit) bytes, or has control characters") }
        guard details.email.isEmpty || AccountText.emailKey(details.email) != nil else { throw RowFault(message: "the email is no address of visible ASCII with one \"@\"") }
        guard details.mobile.isEmpty || AccountText.mobileKey(details.mobile) != nil else {
            throw RowFault(message: "the mobile is no number (a spreadsheet may have made something like 1.38E+10 of it: its cells must be text)")
        }
        if fields[1].isEmpty && fields[2].isEmpty { return AccountRow(fields[0], details: details) }
        guard !fields[1].isEmpty, !fields[2].isEmpty else { throw RowFault(message: "connection and user go together: both, or none") }
        let person = Person(connection: fields[1], user: fields[2])
        if let problem = problem(person) { throw RowFault(message: problem) }
        return AccountRow(fields[0], person, details: details)
    }

    /// What stood where, so that no row speaks against another.
    private struct Lines {
        private var people: [Person: (line: Int, row: AccountRow)] = [:]
        private var accounts: [String: (line: Int, row: AccountRow)] = [:]

        mutating func note(_ row: AccountRow, at line: Int) throws(RowFault) {
            let key = row.account.lowercased()
            if let person = row.person {
                if let other = people[person], other.row.account.lowercased() != key || other.row.details != row.details {
                    throw RowFault(message: "line \(other.line) says something else of \(person.connection)/\(person.user)")
                }
                people[person] = (line, row)
            } else {
                if let other = accounts[key], other.row.details != row.details {
                    throw RowFault(message: "line \(other.line) says something else of this account")
                }
                accounts[key] = (line, row)
            }
        }
    }

    // MARK: - Writing

    /// The sheet of these accounts: a row for each who is bound, with what is known of them.
    public static func text(_ accounts: [Account]) -> String {
        var lines = [head.joined(separator: ",")]
        for account in accounts {
            for row in rows(account) {
                let details = row.details
                let fields = [row.account, row.person?.connection ?? "", row.person?.user ?? "", details.name, details.email, details.mobile]
                lines.append(fields.map { quoted(guarded($0)) }.joined(separator: ","))
            }
        }
        return lines.joined(separator: "\n")
    }

    /// The rows that tell all of an account.
    public static func rows(_ account: Account) -> [AccountRow] {
        if account.bindings.isEmpty { return [AccountRow(account.name, details: account.details)] }
        return account.bindings.map { AccountRow(account.name, $0.person, details: account.details(of: $0.person)) }
    }

    private static func quoted(_ field: String) -> String {
        guard field.utf8.contains(where: { "\",\r\n".utf8.contains($0) }) || field.hasPrefix(" ") || field.hasSuffix(" ") else { return field }
        return "\"" + field.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    // MARK: - Formulas

    private static func guarded(_ field: String) -> String { beginsFormula(field[...]) ? "'" + field : field }

    private static func unguarded(_ field: String) -> String {
        field.hasPrefix("'") && beginsFormula(field.dropFirst()) ? String(field.dropFirst()) : field
    }

    /// Apostrophes before it are of earlier guarding, or somebody's own: one more goes before them.
    private static func beginsFormula(_ field: Substring) -> Bool {
        field.utf8.first { $0 != UInt8(ascii: "'") }.map { "=+-@\t\r".utf8.contains($0) } ?? false
    }

    private static func trimmed(_ field: String) -> String {
        String(field.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
