import Testing

@testable import Storage

/// What the first bytes of a file tell before it is opened.
@Suite struct StoreHeaderTests {
    private func header(owner: [UInt8] = [0x6D, 0x65, 0x6E, 0x77], version: UInt8) -> [UInt8] {
        var bytes = Array("SQLite format 3\0".utf8) + [UInt8](repeating: 0, count: 84)
        bytes[63] = version
        bytes.replaceSubrange(68..<72, with: owner)
        return bytes
    }

    @Test func ourOwnAndNewFilesAreFine() {
        #expect(SQLiteStore.problem(header: []) == nil)
        #expect(SQLiteStore.problem(header: header(version: UInt8(Schema.current.version))) == nil)
        #expect(SQLiteStore.problem(header: header(owner: [0, 0, 0, 0], version: 0)) == nil)
    }

    @Test func everythingElseIsNot() {
        #expect(SQLiteStore.problem(header: Array("garbage".utf8))?.contains("no database") == true)
        #expect(SQLiteStore.problem(header: [UInt8](repeating: 7, count: 100))?.contains("no database") == true)
        #expect(SQLiteStore.problem(header: header(owner: [0, 0, 0, 1], version: 1))?.contains("another program") == true)
        #expect(SQLiteStore.problem(header: header(owner: [0, 0, 0, 0], version: 3))?.contains("another program") == true)
        #expect(SQLiteStore.problem(header: header(version: 99))?.contains("newer") == true)
    }

    @Test func aFileThatIsNotThereIsFine() {
        #expect(SQLiteStore.problem(path: "/nonexistent/menwei.db") == nil)
    }
}
