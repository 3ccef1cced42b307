internal import FoundationEssentials

/// A JSON value (RFC 8259) with its members in order, as the interfaces simulated here write them. Numbers are integers: nothing here has others.
public enum JSON: Equatable, Sendable {
    case null
    case bool(Bool)
    case int(Int)
    case string(String)
    case array([JSON])
    case object([Member])

    public struct Member: Equatable, Sendable {
        public var name: String
        public var value: JSON
    }

    /// An object of these members, in this order.
    public static func members(_ pairs: KeyValuePairs<String, JSON>) -> JSON { .object(pairs.map { Member(name: $0.key, value: $0.value) }) }
    static func ints(_ values: [Int]) -> JSON { .array(values.map { .int($0) }) }
    static func strings(_ values: [String]) -> JSON { .array(values.map { .string($0) }) }

    /// The first member of that name; nil where this is no object or has none.
    public subscript(_ name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }
    public var text: String? {
        if case .string(let value) = self { return value }
        return nil
    }
    public var number: Int? {
        if case .int(let value) = self { return value }
        return nil
    }
    public var flag: Bool? {
        if case .bool(let value) = self { return value }
        return nil
    }
    public var items: [JSON]? {
        if case .array(let value) = self { return value }
        return nil
    }

    /// UTF-8, without blanks; what is not ASCII stands as it is.
    public var bytes: [UInt8] {
        var out: [UInt8] = []
        write(to: &out)
        return out
    }

    private func write(to out: inout [UInt8]) {
        switch self {
        case .null: out += "null".utf8
        case .bool(let value): out += (value ? "true" : "false").utf8
        case .int(let value): out += String(value).utf8
        case .string(let value): Self.write(value, to: &out)
        case .array(let values):
            out.append(UInt8(ascii: "["))
            for (i, value) in values.enumerated() {
                if i > 0 { out.append(UInt8(ascii: ",")) }
                value.write(to: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .object(let members):
            out.append(UInt8(ascii: "{"))
            for (i, member) in members.enumerated() {
                if i > 0 { out.append(UInt8(ascii: ",")) }
                Self.write(member.name, to: &out)
                out.append(UInt8(ascii: ":"))
                member.value.write(to: &out)
            }
            out.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ text: String, to out: inout [UInt8]) {
        let hex = Array("0123456789abcdef".utf8)
        out.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): out += [UInt8(ascii: "\\"), byte]
            case 0..<0x20: out += "\\u00".utf8 + [hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }
}

extension JSON {
    /// Reads a text of at most 64 KiB, nested 32 deep at the most; nil for anything that is not JSON, and for numbers that are no 64-bit integers. Members are sorted by name: their order is lost.
    public init?(parsing bytes: [UInt8]) {
        guard bytes.count <= 64 << 10, Self.isShallow(bytes), let box = try? JSONDecoder().decode(Box.self, from: Data(bytes)) else { return nil }
        self = box.value
    }

    /// Counts brackets, those in strings too where they do not close: that can only refuse more.
    private static func isShallow(_ bytes: [UInt8]) -> Bool {
        var depth = 0
        for byte in bytes {
            if byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{") { depth += 1 }
            if byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") { depth -= 1 }
            if depth > 32 { return false }
        }
        return true
    }

    private struct Box: Decodable {
        var value: JSON

        struct Name: CodingKey {
            var stringValue: String
            var intValue: Int? { nil }
            init?(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        init(from decoder: any Decoder) throws {
            if let object = try? decoder.container(keyedBy: Name.self) {
                value = .object(try object.allKeys.sorted { $0.stringValue < $1.stringValue }.map { Member(name: $0.stringValue, value: try object.decode(Box.self, forKey: $0).value) })
                return
            }
            if var array = try? decoder.unkeyedContainer() {
                var values: [JSON] = []
                while !array.isAtEnd { values.append(try array.decode(Box.self).value) }
                value = .array(values)
                return
            }
            let single = try decoder.singleValueContainer()
            if single.decodeNil() {
                value = .null
            } else if let flag = try? single.decode(Bool.self) {
                value = .bool(flag)
            } else if let number = try? single.decode(Int.self) {
                value = .int(number)
            } else {
                value = .string(try single.decode(String.self))
            }
        }
    }
}
