import Access
import CSQLite
import Glibc

extension StoreFailure {
    /// What an extended result code of SQLite (https://sqlite.org/rescode.html) means to those who ask the store. The text is the library's
    /// own for the code; its message for the connection is not used, since that may quote what was stored.
    init(sqlite code: Int32, systemError: Int32 = 0) {
        let kind: Code =
            switch code & 0xff {
            case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL: .busy
            case SQLITE_READONLY, SQLITE_PERM: .readOnly
            case SQLITE_FULL: .full
            case SQLITE_IOERR where systemError == ENOSPC || systemError == EDQUOT: .full
            case SQLITE_IOERR where systemError == EROFS: .readOnly
            // A missing table or a wrong type: somebody else wrote to the file.
            case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_ERROR, SQLITE_SCHEMA: .corrupt
            default: .unreachable
            }
        let text = unsafe sqlite3_errstr(code).map { unsafe String(cString: $0) } ?? "unknown"
        self.init(kind, "SQLite \(code): \(text)")
    }
}
