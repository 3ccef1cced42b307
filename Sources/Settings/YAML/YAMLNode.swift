/// A place in the configuration file, both counted from 1; the column counts characters.
public struct Mark: Hashable, Sendable, Comparable {
    public var line: Int
    public var column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    public static let start = Mark(line: 1, column: 1)

    public static func < (a: Self, b: Self) -> Bool { (a.line, a.column) < (b.line, b.column) }
}

/// A value of a YAML document, and where it stands. What an alias stands for keeps the place where it was written.
struct YAMLNode: Sendable {
    enum Content: Sendable {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        case mapping([Entry])
    }
    /// A key and its value. Keys are texts, each at most once.
    struct Entry: Sendable {
        var key: String
        var keyMark: Mark
        var value: YAMLNode
    }

    var mark: Mark
    var content: Content

    var isNull: Bool {
        if case .scalar(let scalar) = content { return scalar.kind == .null }
        return false
    }

    /// What it is, for messages: `a list`, `a number` …
    var kindName: String {
        switch content {
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .scalar(let scalar):
            switch scalar.kind {
            case .null: "nothing"
            case .boolean: "\"\(scalar.text)\", which is true or false in YAML"
            case .integer, .float: "a number"
            case .text: "text"
            }
        }
    }
}

/// A single value, as written, and what the YAML 1.2 core schema takes it for.
struct YAMLScalar: Sendable {
    enum Kind: Equatable, Sendable {
        case null
        case boolean(Bool)
        case integer
        case float
        case text
    }

    var text: String
    var kind: Kind
    /// A plain `<<`, which as a key takes in other mappings.
    var isMergeKey: Bool

    init(text: String, isPlain: Bool) {
        self.text = text
        isMergeKey = isPlain && text == "<<"
        kind = isPlain ? Self.resolve(text) : .text
    }

    /// YAML 1.2.2, 10.3.2. There is no `yes` and no `on` in it, and no number with `_` or `:`.
    private static func resolve(_ text: String) -> Kind {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .boolean(true)
        case "false", "False", "FALSE": return .boolean(false)
        default: break
        }
        let bytes = Array(text.utf8)
        if isInteger(bytes) { return .integer }
        return isFloat(bytes) ? .float : .text
    }

    private static func isInteger(_ bytes: [UInt8]) -> Bool {
        if bytes.starts(with: "0x".utf8) { return bytes.count > 2 && bytes.dropFirst(2).allSatisfy(ASCII.isHexDigit) }
        if bytes.starts(with: "0o".utf8) { return bytes.count > 2 && bytes.dropFirst(2).allSatisfy { $0 >= 0x30 && $0 <= 0x37 } }
        let digits = unsigned(bytes)
        return !digits.isEmpty && digits.allSatisfy(ASCII.isDigit)
    }

    private static func isFloat(_ bytes: [UInt8]) -> Bool {
        var rest = unsigned(bytes)
        switch String(decoding: rest, as: UTF8.self) {
        case ".inf", ".Inf", ".INF": return true
        case ".nan", ".NaN", ".NAN": return rest.count == bytes.count
        default: break
        }
        func takeDigits() -> Int {
            let count = rest.prefix(while: ASCII.isDigit).count
            rest = rest.dropFirst(count)
            return count
        }
        var digits = takeDigits()
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            digits += takeDigits()
        }
        guard digits > 0 else { return false }
        if let first = rest.first, first | 0x20 == UInt8(ascii: "e") {
            rest = unsigned(Array(rest.dropFirst()))
            guard takeDigits() > 0 else { return false }
        }
        return rest.isEmpty
    }

    private static func unsigned(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        bytes.first == UInt8(ascii: "-") || bytes.first == UInt8(ascii: "+") ? bytes.dropFirst() : bytes[...]
    }
}
