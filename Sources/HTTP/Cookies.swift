/// Cookies of requests (RFC 6265 section 4.2), over however many `Cookie` fields they were spread.
public enum Cookies {
    /// The value of the only cookie of that name. `nil` where there is none, more than one, or one that is malformed: without `=`, with
    /// blanks around the name, with a value that is not plain cookie octets. Allocates nothing.
    public static func one(_ name: StaticString, in fields: borrowing Fields) -> ArraySlice<UInt8>? {
        var found = 0..<0
        var count = 0
        let arena = fields.arena.span
        for entry in fields.entries where entry.known == .cookie {
            forEach(arena, entry.value) { pair in
                guard pair.isNamed(name, arena) else { return }
                count += pair.isWellFormed(arena) ? 1 : 2
                found = pair.value
            }
        }
        return count == 1 ? fields.arena[found] : nil
    }

    /// The values of all cookies of that name, in order, malformed ones included: they count too where a name may stand only once.
    public static func values(named name: StaticString, in fields: borrowing Fields) -> [ArraySlice<UInt8>] {
        var ranges: [Range<Int>] = []
        let arena = fields.arena.span
        for entry in fields.entries where entry.known == .cookie {
            forEach(arena, entry.value) { pair in
                if pair.isNamed(name, arena) { ranges.append(pair.value) }
            }
        }
        var values: [ArraySlice<UInt8>] = []
        for range in ranges { values.append(fields.arena[range]) }
        return values
    }

    /// Appends the `Cookie` value to `into` without the cookies of those names, malformed ones included, all others byte for byte. False
    /// where they were all there was: then nothing is appended and the field should not be sent.
    public static func strip(_ value: Span<UInt8>, names: [StaticString], into: inout [UInt8]) -> Bool {
        var kept = 0
        var dropped = 0
        forEach(value, 0..<value.count) { pair in
            if names.contains(where: { pair.isNamed($0, value) }) {
                dropped += 1
                return
            }
            // What was behind a removed cookie moves to the front without the blank that divided them.
            var start = pair.whole.lowerBound
            if kept > 0 {
                into.append(UInt8(ascii: ";"))
            } else if dropped > 0 {
                while start < pair.whole.upperBound, isBlank(value[start]) { start += 1 }
            }
            unsafe value.extracting(start..<pair.whole.upperBound).withUnsafeBytes { unsafe into.append(contentsOf: $0) }
            kept += 1
        }
        return kept > 0
    }

    /// One piece between semicolons.
    private struct Pair {
        var whole: Range<Int>
        /// Without the blanks around it.
        var name: Range<Int>
        var hasEquals: Bool
        var isTight: Bool
        /// Without blanks at its end.
        var value: Range<Int>

        func isNamed(_ text: StaticString, _ bytes: Span<UInt8>) -> Bool {
            let count = text.utf8CodeUnitCount
            guard name.count == count else { return false }
            for at in 0..<count where unsafe bytes[name.lowerBound &+ at] != text.utf8Start[at] { return false }
            return true
        }

        func isWellFormed(_ bytes: Span<UInt8>) -> Bool {
            guard hasEquals, isTight else { return false }
            for at in value {
                switch bytes[at] {
                case 0x21, 0x23...0x2B, 0x2D...0x3A, 0x3C...0x5B, 0x5D...0x7E: continue
                default: return false
                }
            }
            return true
        }
    }

    /// Where the first of two bytes lies; `end` where there is none.
    private static func first(of one: UInt8, or other: UInt8, _ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int {
        precondition(end <= bytes.count && start >= 0)
        return unsafe bytes.withUnsafeBytes { bytes in
            var at = start
            while at < end, unsafe bytes[at] != one, unsafe bytes[at] != other { at &+= 1 }
            return at
        }
    }

    private static func forEach(_ bytes: Span<UInt8>, _ range: Range<Int>, _ body: (Pair) -> Void) {
        var start = range.lowerBound
        while true {
            let stop = first(of: UInt8(ascii: "="), or: UInt8(ascii: ";"), bytes, from: start, to: range.upperBound)
            let equals = stop < range.upperBound && bytes[stop] == UInt8(ascii: "=") ? stop : nil
            let end = equals == nil ? stop : first(of: UInt8(ascii: ";"), or: UInt8(ascii: ";"), bytes, from: stop, to: range.upperBound)
            let untrimmed = start..<(equals ?? end)
            let name = trimBlanks(bytes, untrimmed)
            let value = equals.map { $0 + 1..<end } ?? end..<end
            body(Pair(
                whole: start..<end, name: name, hasEquals: equals != nil, isTight: name.upperBound == untrimmed.upperBound,
                value: value.lowerBound..<trimBlanks(bytes, value).upperBound))
            if end >= range.upperBound { return }
            start = end + 1
        }
    }
}
