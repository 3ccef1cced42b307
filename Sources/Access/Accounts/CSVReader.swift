/// What is wrong with a line of a file.
public struct LineFault: Equatable, Sendable {
    /// From 1.
    public var line: Int
    public var message: String

    public init(line: Int, message: String) {
        self.line = line
        self.message = message
    }
}

/// Comma-separated values (RFC 4180) in UTF-8, with or without the mark (U+FEFF) that spreadsheets put in front. Lines end in CRLF or LF; empty ones
/// are skipped.
public struct CSVReader {
    public struct Record: Equatable, Sendable {
        /// Where it begins, from 1.
        public var line: Int
        public var fields: [String]
    }

    public private(set) var records: [Record] = []
    public private(set) var faults: [LineFault] = []

    private let bytes: [UInt8]
    private var at = 0
    private var line = 1

    /// Bytes of a file, and faults that are told.
    public static let limit = 64 << 20, mostFaults = 100

    private static let quote = UInt8(ascii: "\""), comma = UInt8(ascii: ","), newline = UInt8(ascii: "\n"), carriageReturn = UInt8(ascii: "\r")

    /// Reads all of `bytes`, whatever is wrong with it.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
        guard bytes.count <= Self.limit else {
            fault(1, "the file is larger than \(Self.limit >> 20) MiB")
            return
        }
        guard !bytes.starts(with: [0xFF, 0xFE]), !bytes.starts(with: [0xFE, 0xFF]) else {
            fault(1, "the file is UTF-16; save it as \"CSV UTF-8\"")
            return
        }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
        while at < bytes.count, faults.count < Self.mostFaults { readRecord() }
    }

    private mutating func fault(_ line: Int, _ message: String) { faults.append(LineFault(line: line, message: message)) }

    private mutating func readRecord() {
        let start = line
        var fields: [String] = []
        while true {
            guard let field = at < bytes.count && bytes[at] == Self.quote ? readQuoted() : readPlain() else { return skipLine() }
            guard let text = String(validating: field, as: UTF8.self) else {
                fault(start, "this is not UTF-8; save the file as \"CSV UTF-8\"")
                return skipLine()
            }
            fields.append(text)
            if at < bytes.count, bytes[at] == Self.comma {
                at += 1
                continue
            }
            guard takeLineEnd() else {
                fault(line, "a comma or the end of the line must follow here")
                return skipLine()
            }
            if fields != [""] { records.append(Record(line: start, fields: fields)) }
            return
        }
    }

    /// A field that does not begin with a quote.
    private mutating func readPlain() -> ArraySlice<UInt8>? {
        let start = at
        while at < bytes.count, ![Self.comma, Self.newline, Self.carriageReturn].contains(bytes[at]) {
            guard bytes[at] != Self.quote else {
                fault(line, "a quote (\") stands inside of a field that does not begin with one")
                return nil
            }
            at += 1
        }
        return bytes[start..<at]
    }

    /// A field in quotes; one of its own is written twice.
    private mutating func readQuoted() -> ArraySlice<UInt8>? {
        let start = line
        var field: [UInt8] = []
        at += 1
        while at < bytes.count {
            let byte = bytes[at]
            at += 1
            if byte == Self.quote {
                guard at < bytes.count, bytes[at] == Self.quote else { return field[...] }
                at += 1
            }
            if byte == Self.newline { line += 1 }
            field.append(byte)
        }
        fault(start, "a quoted field begins here and does not end")
        return nil
    }

    /// False where there is something else.
    private mutating func takeLineEnd() -> Bool {
        if at == bytes.count { return true }
        if bytes[at] == Self.carriageReturn, at + 1 < bytes.count, bytes[at + 1] == Self.newline { at += 1 }
        guard bytes[at] == Self.newline else { return false }
        at += 1
        line += 1
        return true
    }

    private mutating func skipLine() {
        while at < bytes.count, bytes[at] != Self.newline { at += 1 }
        guard at < bytes.count else { return }
        at += 1
        line += 1
    }
}
