/// How the portal writes what the store keeps for it: texts one after the other, each with its length in four bytes before it.
enum FieldList {
    static func encode(_ fields: [String]) -> [UInt8] {
        var out: [UInt8] = []
        for field in fields {
            let bytes = Array(field.utf8)
            for shift in [24, 16, 8, 0] { out.append(UInt8(truncatingIfNeeded: bytes.count >> shift)) }
            out += bytes
        }
        return out
    }

    /// The texts, if there are exactly `count` of them, all UTF-8, and nothing is left over.
    static func decode(_ bytes: [UInt8], count: Int) -> [String]? {
        guard let (fields, rest) = read(bytes, count: count), rest.isEmpty else { return nil }
        return fields
    }

    /// The first `count` texts, all UTF-8, and what follows them.
    static func read(_ bytes: [UInt8], count: Int) -> (fields: [String], rest: ArraySlice<UInt8>)? {
        var fields: [String] = []
        var rest = bytes[...]
        while fields.count < count {
            guard rest.count >= 4 else { return nil }
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            guard length <= rest.count, let text = String(validating: rest.prefix(length), as: UTF8.self) else { return nil }
            fields.append(text)
            rest = rest.dropFirst(length)
        }
        return (fields, rest)
    }
}
