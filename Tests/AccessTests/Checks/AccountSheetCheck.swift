import Access

/// What must hold of any bytes that are read as a sheet of accounts, for the fuzzer and for kept inputs; what is wrong with the answer, or nil.
public enum AccountSheetCheck {
    public static func check(_ bytes: [UInt8]) -> String? {
        let sheet = AccountSheet(bytes) { $0.connection == "corp" ? nil : "there is no such connection" }
        if sheet.faults.count > CSVReader.mostFaults { return "too many faults" }
        let lines = bytes.reduce(1) { $1 == 0x0A ? $0 + 1 : $0 }
        if sheet.faults.contains(where: { $0.line < 1 || $0.line > lines }) { return "a fault in a line that is not there" }
        if sheet.rows.contains(where: { !AccountText.isName($0.row.account) }) { return "a row without an account" }
        guard sheet.faults.isEmpty, !sheet.rows.isEmpty else { return nil }
        // What was read can be written, and read again as the same.
        let accounts = sheet.rows.map { line, row in
            row.person.map { Account(row.account, bindings: [AccountBinding($0, details: row.details)]) } ?? Account(row.account, details: row.details)
        }
        let again = AccountSheet(Array(AccountSheet.text(accounts).utf8)) { _ in nil }
        if again.faults != [] { return "what was written is at fault: \(again.faults)" }
        return again.rows.map(\.row) == sheet.rows.map(\.row) ? nil : "what was written is read as something else"
    }
}
