
/// A section of header or trailer fields (RFC 9110 section 5): one arena of bytes and an index into it, so that a request of twenty
/// fields costs no allocation once its arrays have grown. Names keep the case they came in; comparison ignores it.
public struct Fields: Sendable {
    /// One field line: where its name and value lie in `arena`.
    public struct Entry: Sendable {
        public var nameStart: UInt32
        public var nameLength: UInt32
        public var valueStart: UInt32
        public var valueLength: UInt32
        public var known: KnownField

        @inlinable public init(nameStart: Int, nameLength: Int, valueStart: Int, valueLength: Int, known: KnownField) {
            self.nameStart = UInt32(truncatingIfNeeded: nameStart)
            self.nameLength = UInt32(truncatingIfNeeded: nameLength)
            self.valueStart = UInt32(truncatingIfNeeded: valueStart)
            self.valueLength = UInt32(truncatingIfNeeded: valueLength)
            self.known = known
        }
        @inlinable public var name: Range<Int> { Int(nameStart)..<Int(nameStart &+ nameLength) }
        @inlinable public var value: Range<Int> { Int(valueStart)..<Int(valueStart &+ valueLength) }
    }

    /// The bytes that entries (and a head's target and authority) point into.
    public var arena: [UInt8] = []
    public var entries: [Entry] = []

    @inlinable public init() {}

    @inlinable public mutating func removeAll() {
        arena.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
    }

    @inlinable public func name(_ entry: Entry) -> ArraySlice<UInt8> { arena[entry.name] }
    @inlinable public func value(_ entry: Entry) -> ArraySlice<UInt8> { arena[entry.value] }

    /// Adds a field. The name must already be known to be a token (RFC 9110 5.6.2), the value free of CR, LF and NUL.
    public mutating func append(name: Span<UInt8>, value: Span<UInt8>, known: KnownField) {
        let nameStart = arena.count
        unsafe name.withUnsafeBytes { unsafe arena.append(contentsOf: $0) }
        let valueStart = arena.count
        unsafe value.withUnsafeBytes { unsafe arena.append(contentsOf: $0) }
        entries.append(Entry(nameStart: nameStart, nameLength: name.count, valueStart: valueStart, valueLength: value.count, known: known))
    }

    /// Adds a field of the gateway's own making.
    public mutating func append(_ name: StaticString, _ value: Span<UInt8>, known: KnownField = .other) {
        name.withUTF8Buffer { append(name: unsafe $0.span, value: value, known: known) }
    }

    /// Adds a field whose name and value are text of the gateway's own making.
    public mutating func append(_ name: String, _ value: String) {
        let nameStart = arena.count
        arena.append(contentsOf: name.utf8)
        let valueStart = arena.count
        arena.append(contentsOf: value.utf8)
        entries.append(Entry(nameStart: nameStart, nameLength: valueStart - nameStart, valueStart: valueStart, valueLength: arena.count - valueStart,
                             known: KnownField(name: arena[nameStart..<valueStart])))
    }

    /// Puts one field in the place of all of that name; nil takes them out. The value is free of CR, LF and NUL. Not for the hot path.
    public mutating func replace(_ known: KnownField, _ name: String, by value: String?) {
        entries.removeAll { $0.known == known }
        if let value { append(name, value) }
    }

    /// The first field of that known name.
    @inlinable public func first(_ known: KnownField) -> Entry? {
        for entry in entries where entry.known == known { return entry }
        return nil
    }

    @inlinable public func count(_ known: KnownField) -> Int {
        var n = 0
        for entry in entries where entry.known == known { n &+= 1 }
        return n
    }

    /// The value of the first field of that name as text; bytes that are not UTF-8 are replaced. Not for the hot path.
    public func text(_ known: KnownField) -> String? {
        first(known).map { String(decoding: value($0), as: UTF8.self) }
    }

    /// The value of the first field with that name, in any case. Not for the hot path.
    public func text(_ name: String) -> String? {
        for entry in entries where Self.equal(self.name(entry), name) { return String(decoding: value(entry), as: UTF8.self) }
        return nil
    }

    static func equal(_ bytes: ArraySlice<UInt8>, _ text: String) -> Bool {
        bytes.count == text.utf8.count && zip(bytes, text.utf8).allSatisfy { lowercase($0) == lowercase($1) }
    }
}

/// ASCII only: the byte with A–Z folded to a–z.
@inlinable public func lowercase(_ byte: UInt8) -> UInt8 {
    byte &- 0x41 < 26 ? byte | 0x20 : byte
}
