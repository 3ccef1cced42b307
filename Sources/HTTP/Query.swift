private import Bytes

/// The pairs of a query or a form, `application/x-www-form-urlencoded`, in order.
public struct Query: Equatable, Sendable {
    public struct Pair: Equatable, Sendable {
        public var name: String
        public var value: String
    }

    public private(set) var pairs: [Pair] = []
    /// A half escape, or bytes that are not UTF-8, stood in it. Such a pair is left out.
    public private(set) var isMalformed = false

    /// Reads `raw`, without a leading `?`.
    public init(_ raw: String) { self.init(bytes: Array(raw.utf8)[...]) }

    /// Reads `bytes`, without a leading `?`.
    public init(bytes: ArraySlice<UInt8>) {
        for piece in bytes.split(separator: UInt8(ascii: "&")) {
            let equals = piece.firstIndex(of: UInt8(ascii: "="))
            guard let name = Self.decode(piece[..<(equals ?? piece.endIndex)]), let value = Self.decode(equals.map { piece[($0 + 1)...] } ?? []) else {
                isMalformed = true
                continue
            }
            pairs.append(Pair(name: name, value: value))
        }
    }

    /// Every value of that name, in order.
    public func all(_ name: String) -> [String] { pairs.filter { $0.name == name }.map(\.value) }

    /// The value of that name; `nil` where it is absent or given more than once.
    public func one(_ name: String) -> String? {
        let values = all(name)
        return values.count == 1 ? values[0] : nil
    }

    private static func decode(_ bytes: ArraySlice<UInt8>) -> String? {
        guard let decoded = Percent.decode(ArraySlice(bytes.map { $0 == UInt8(ascii: "+") ? 0x20 : $0 })) else { return nil }
        return String(validating: decoded, as: UTF8.self)
    }
}
