import Access
import Bytes
import CSQLite

/// A value that goes into a statement.
enum SQLValue {
    case null
    case integer(Int64)
    case text(String)
    case blob([UInt8])

    static func time(_ time: WallTime) -> SQLValue { .integer(time.milliseconds) }
    static func time(_ time: WallTime?) -> SQLValue { time.map { .integer($0.milliseconds) } ?? .null }
    static func span(_ duration: Duration) -> SQLValue { .integer(duration.milliseconds) }
}

/// A prepared statement; owns the library's object. Belongs to one `Database` and its thread.
@safe final class Statement {
    private let handle: OpaquePointer
    /// Numbers outside of this were never written by us; arithmetic with them might overflow.
    static let numbers: ClosedRange<Int64> = -(1 << 60)...(1 << 60)

    /// Takes over `handle`.
    @unsafe init(owning handle: OpaquePointer) { unsafe self.handle = handle }

    deinit { _ = unsafe sqlite3_finalize(handle) }

    /// Binds all parameters, in order.
    func bind(_ values: [SQLValue]) throws(StoreFailure) {
        guard unsafe Int(sqlite3_bind_parameter_count(handle)) == values.count else { throw StoreFailure(sqlite: SQLITE_MISUSE) }
        for (offset, value) in values.enumerated() {
            let result = bind(value, at: Int32(truncatingIfNeeded: offset + 1))
            guard result == SQLITE_OK else { throw StoreFailure(sqlite: result) }
        }
    }

    private func bind(_ value: SQLValue, at index: Int32) -> Int32 {
        switch value {
        case .null: return unsafe sqlite3_bind_null(handle, index)
        case .integer(let number): return unsafe sqlite3_bind_int64(handle, index, number)
        case .text(let text):
            let length = text.utf8.count
            guard length <= 1 << 30 else { return SQLITE_TOOBIG }
            return unsafe text.withCString { unsafe sqlite3_bind_text(handle, index, $0, Int32(length), menwei_sqlite_transient()) }
        case .blob(let bytes):
            guard !bytes.isEmpty else { return unsafe sqlite3_bind_zeroblob(handle, index, 0) }  // a null pointer would bind NULL
            guard bytes.count <= 1 << 30 else { return SQLITE_TOOBIG }
            return unsafe sqlite3_bind_blob(handle, index, bytes, Int32(bytes.count), menwei_sqlite_transient())
        }
    }

    /// Goes to the next row: `SQLITE_ROW`, `SQLITE_DONE`, or an error's extended code.
    func step() -> Int32 { unsafe sqlite3_step(handle) }

    /// Makes it ready to run again, and drops what was bound.
    func reset() {
        _ = unsafe sqlite3_reset(handle)
        _ = unsafe sqlite3_clear_bindings(handle)
    }

    func isNull(_ column: Int32) -> Bool { unsafe sqlite3_column_type(handle, column) == SQLITE_NULL }

    func integer(_ column: Int32) throws(StoreFailure) -> Int64 {
        guard unsafe sqlite3_column_type(handle, column) == SQLITE_INTEGER else { throw StoreFailure(sqlite: SQLITE_MISMATCH) }
        let number = unsafe sqlite3_column_int64(handle, column)
        guard Self.numbers.contains(number) else { throw StoreFailure(sqlite: SQLITE_MISMATCH) }
        return number
    }

    func time(_ column: Int32) throws(StoreFailure) -> WallTime {
        WallTime(milliseconds: try integer(column))
    }

    func optionalTime(_ column: Int32) throws(StoreFailure) -> WallTime? { isNull(column) ? nil : try time(column) }

    func text(_ column: Int32) throws(StoreFailure) -> String {
        guard unsafe sqlite3_column_type(handle, column) == SQLITE_TEXT, let start = unsafe sqlite3_column_text(handle, column) else {
            throw StoreFailure(sqlite: SQLITE_MISMATCH)
        }
        let bytes = unsafe UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
        return unsafe String(decoding: bytes, as: UTF8.self)
    }

    func blob(_ column: Int32) throws(StoreFailure) -> [UInt8] {
        guard unsafe sqlite3_column_type(handle, column) == SQLITE_BLOB else { throw StoreFailure(sqlite: SQLITE_MISMATCH) }
        let start = unsafe sqlite3_column_blob(handle, column)
        let count = unsafe Int(sqlite3_column_bytes(handle, column))
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
    }
}
