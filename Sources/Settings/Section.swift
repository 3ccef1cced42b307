/// Why a value is not what its key needs. Without a mark it is the place of the value.
struct Misread: Error {
    var message: String
    var mark: Mark?

    init(_ message: String, at mark: Mark? = nil) {
        self.message = message
        self.mark = mark
    }

    static func notYet(_ what: String) -> Misread { Misread("\"\(what)\" is not available in this version") }
}

/// A key that a mapping may have.
struct Key: ExpressibleByStringLiteral {
    /// The values that a key of later work may have already: those that mean "off".
    enum Off {
        case never
        case null, emptyList
        case text(String)
        case boolean(Bool)
        /// A mapping of nothing but nulls under these keys.
        case nulls([String])
    }

    var name: String
    /// Set where the key is not available yet.
    var off: Off?

    init(stringLiteral name: String) {
        self.name = name
    }

    static func later(_ name: String, off: Off) -> Key {
        var key = Key(stringLiteral: name)
        key.off = off
        return key
    }
}

/// One mapping of the configuration while it is read. Making one reports every key that it may not have.
struct Section {
    typealias Reader<Value> = (YAMLNode) throws(Misread) -> Value

    let mark: Mark
    let findings: Findings
    private var values: [String: YAMLNode] = [:]
    private var keyMarks: [String: Mark] = [:]

    /// Nil, and a fault, where `node` is no mapping. `name` is for messages: `a site`.
    init?(_ node: YAMLNode, _ name: String, keys: [Key], _ findings: Findings) {
        mark = node.mark
        self.findings = findings
        guard case .mapping(let entries) = node.content else {
            findings.fault(node.mark, "\(name) must be a mapping, this is \(node.kindName)")
            return nil
        }
        for entry in entries where !entry.key.hasPrefix("x-") {
            guard let key = keys.first(where: { $0.name == entry.key }) else {
                if findings.isFull { continue }
                let known = keys.filter { $0.off == nil }.map(\.name)
                findings.fault(entry.keyMark, "unknown key \(quoted(entry.key))" + Suggestion.hint(for: entry.key, among: known))
                continue
            }
            if let off = key.off {
                if !off.matches(entry.value) { findings.fault(entry.keyMark, "\"\(key.name)\" is not available in this version") }
                continue
            }
            values[entry.key] = entry.value
            keyMarks[entry.key] = entry.keyMark
        }
    }

    func has(_ key: String) -> Bool { values[key] != nil }
    func node(_ key: String) -> YAMLNode? { values[key] }
    /// Where the key stands; the mapping's own place where it is absent.
    func keyMark(_ key: String) -> Mark { keyMarks[key] ?? mark }
    /// Where the value stands; the mapping's own place where it is absent.
    func valueMark(_ key: String) -> Mark { values[key]?.mark ?? mark }

    /// The value of `key`; nil where it is absent, or faulty (which is reported).
    func value<Value>(_ key: String, _ read: Reader<Value>) -> Value? {
        guard let node = values[key] else { return nil }
        return Self.read(node, read, findings)
    }

    /// The same, with a fault where it is absent.
    func required<Value>(_ key: String, _ read: Reader<Value>) -> Value? {
        guard requires(key) else { return nil }
        return value(key, read)
    }

    /// Whether `key` is there; a fault where it is not.
    func requires(_ key: String) -> Bool {
        if values[key] == nil { findings.fault(mark, "the key \"\(key)\" is missing") }
        return values[key] != nil
    }

    /// The items of a list that could be read; nil where the key is absent or no list.
    func list<Value>(_ key: String, _ read: Reader<Value>) -> [Value]? {
        guard let node = values[key] else { return nil }
        guard let items = Self.items(node, key, findings) else { return nil }
        return items.compactMap { Self.read($0, read, findings) }
    }

    static func items(_ node: YAMLNode, _ key: String, _ findings: Findings) -> [YAMLNode]? {
        guard case .sequence(let items) = node.content else {
            findings.fault(node.mark, "\"\(key)\" must be a list, this is \(node.kindName)")
            return nil
        }
        return items
    }

    static func read<Value>(_ node: YAMLNode, _ read: Reader<Value>, _ findings: Findings) -> Value? {
        do throws(Misread) {
            return try read(node)
        } catch {
            findings.fault(error.mark ?? node.mark, error.message)
            return nil
        }
    }
}

extension Key.Off {
    func matches(_ node: YAMLNode) -> Bool {
        switch (self, node.content) {
        case (.never, _): return false
        case (_, .scalar) where node.isNull: return true
        case (.emptyList, .sequence(let items)): return items.isEmpty
        case (.text(let text), .scalar(let scalar)): return scalar.text == text
        case (.boolean(let value), .scalar(let scalar)): return scalar.kind == .boolean(value)
        case (.nulls(let keys), .mapping(let entries)): return entries.allSatisfy { keys.contains($0.key) && $0.value.isNull }
        default: return false
        }
    }
}
