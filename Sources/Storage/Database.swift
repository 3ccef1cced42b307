import Access
import CSQLite

/// One connection to a SQLite file and its prepared statements; owns the library's object. Belongs to one thread at a time.
@safe final class Database {
    /// What a power cut may take. A process that is killed loses nothing either way: what was committed is with the kernel.
    enum Durability: String {
        /// `synchronous=FULL`: the log is on the disk before the answer. For sessions: one that ended must not come back.
        case full = "FULL"
        /// `synchronous=NORMAL`: the last seconds may be lost, never the file. For activity and for what lives minutes.
        case normal = "NORMAL"
    }

    private let handle: OpaquePointer
    private var statements: [String: Statement] = [:]
    private var durability: Durability?
    /// How long another process may hold the file before we give up, in milliseconds.
    private static let busyTimeout: Int32 = 2000

    /// Opens a file that exists.
    init(path: String) throws(StoreFailure) {
        var opened: OpaquePointer?
        let result = unsafe sqlite3_open_v2(path, &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        guard result == SQLITE_OK, let opened = unsafe opened else {
            let failure = unsafe StoreFailure(sqlite: result, systemError: opened.map { unsafe sqlite3_system_errno($0) } ?? 0)
            _ = unsafe sqlite3_close_v2(opened)
            throw failure
        }
        unsafe handle = opened
        _ = unsafe sqlite3_busy_timeout(opened, Self.busyTimeout)
        guard unsafe sqlite3_db_readonly(opened, "main") == 0 else { throw StoreFailure(.readOnly, "the store's file may not be written") }
    }

    deinit {
        statements = [:]
        _ = unsafe sqlite3_close_v2(handle)
    }

    /// Runs a script of one or more statements without parameters or rows.
    func execute(_ script: String) throws(StoreFailure) {
        try check(unsafe sqlite3_exec(handle, script, nil, nil, nil))
    }

    /// Runs a statement to its end, and hands over each row.
    func each(_ sql: String, _ values: [SQLValue] = [], _ row: (Statement) throws(StoreFailure) -> Void) throws(StoreFailure) {
        let statement = try prepared(sql)
        defer { statement.reset() }
        try statement.bind(values)
        while true {
            switch statement.step() {
            case SQLITE_ROW: try row(statement)
            case SQLITE_DONE: return
            case let code: try check(code)
            }
        }
    }

    /// Runs a statement whose rows, if any, do not matter; returns how many rows it changed.
    @discardableResult
    func run(_ sql: String, _ values: [SQLValue] = []) throws(StoreFailure) -> Int {
        try each(sql, values) { _ in }
        return unsafe Int(sqlite3_changes64(handle))
    }

    /// The only, or last, row as a value; nil where there is none.
    func first<T>(_ sql: String, _ values: [SQLValue] = [], _ read: (Statement) throws(StoreFailure) -> T) throws(StoreFailure) -> T? {
        var found: T?
        try each(sql, values) { row throws(StoreFailure) in found = try read(row) }
        return found
    }

    func integer(_ sql: String, _ values: [SQLValue] = []) throws(StoreFailure) -> Int64 {
        try first(sql, values) { row throws(StoreFailure) in try row.integer(0) } ?? 0
    }

    /// The row that was inserted last.
    var lastRow: Int64 { unsafe sqlite3_last_insert_rowid(handle) }

    /// Everything in `body` or nothing; nobody else writes meanwhile.
    func transaction<T>(_ durability: Durability, _ body: () throws(StoreFailure) -> T) throws(StoreFailure) -> T {
        if self.durability != durability {
            try execute("PRAGMA synchronous=\(durability.rawValue)")
            self.durability = durability
        }
        try run("BEGIN IMMEDIATE")
        do throws(StoreFailure) {
            let result = try body()
            try run("COMMIT")
            return result
        } catch {
            rollBack()
            throw error
        }
    }

    /// Several reads of one state.
    func snapshot<T>(_ body: () throws(StoreFailure) -> T) throws(StoreFailure) -> T {
        try run("BEGIN")
        defer { rollBack() }
        return try body()
    }

    private func rollBack() {
        // Some errors (full, I/O) have rolled back already.
        if unsafe sqlite3_get_autocommit(handle) == 0 { _ = try? run("ROLLBACK") }
    }

    private func prepared(_ sql: String) throws(StoreFailure) -> Statement {
        if let statement = statements[sql] { return statement }
        var made: OpaquePointer?
        try check(unsafe sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &made, nil))
        guard let made = unsafe made else { throw StoreFailure(sqlite: SQLITE_MISUSE) }
        let statement = unsafe Statement(owning: made)
        statements[sql] = statement
        return statement
    }

    private func check(_ code: Int32) throws(StoreFailure) {
        guard code == SQLITE_OK else { throw StoreFailure(sqlite: code, systemError: unsafe sqlite3_system_errno(handle)) }
    }
}
