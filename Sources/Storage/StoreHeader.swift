import Glibc

extension SQLiteStore {
    /// Why the file at `path`, which no store of this process has open, cannot be used: a look at its first bytes (SQLite's file format,
    /// section 1.3), which changes nothing. Nil: nothing speaks against it, or there is no such file yet.
    public static func problem(path: String) -> String? {
        // Not for a file that is open here: to close it would drop the locks that SQLite holds on it.
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return errno == ENOENT ? nil : "cannot be read" }
        defer { Glibc.close(descriptor) }
        let header = unsafe [UInt8](unsafeUninitializedCapacity: 100) { buffer, count in
            count = max(0, unsafe Glibc.read(descriptor, buffer.baseAddress, 100))
        }
        return problem(header: header)
    }

    /// - Parameter header: at most the first 100 bytes.
    static func problem(header: [UInt8]) -> String? {
        if header.isEmpty { return nil }
        guard header.count == 100, header.starts(with: "SQLite format 3\0".utf8) else { return "is no database" }
        func number(_ at: Int) -> Int64 { header[at..<at + 4].reduce(0) { $0 << 8 | Int64($1) } }
        let (version, owner) = (number(60), number(68))
        // Both are 0 while all of a new store still lies in its log.
        if owner != Schema.applicationID { return owner == 0 && version == 0 ? nil : "is a database of another program" }
        return version > Schema.current.version ? "has version \(version), made by a newer menwei; this one knows versions up to \(Schema.current.version)" : nil
    }
}
