public import Bytes

/// Builds one JSON object on one line in memory that is used again for the next. Whatever bytes a value is made of, the line is valid
/// UTF-8 and valid JSON, has no control character, and each value has a bound.
public struct JSONLine: ~Copyable {
    /// Bytes of a value before escaping; the rest is cut off and `…` put in its place.
    public static let valueLimit = 2 << 10

    private var queue = ByteQueue()
    private var isFirst = true
    /// The second whose `2026-01-02T03:04:05` is kept, since most lines are of the same one as the last.
    private var keptSecond = Int64.min
    private var keptText: [UInt8] = []

    public init() {}

    /// The line so far; after `end()` all of it, line feed included.
    public var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        borrowing get { queue.bytes }
    }

    /// Begins a new line.
    public mutating func begin() {
        queue.removeAll()
        queue.append(UInt8(ascii: "{"))
        isFirst = true
    }

    public mutating func end() { queue.append("}\n") }

    // MARK: members. Keys are the gateway's own and need no escaping.

    public mutating func add(_ key: StaticString, _ value: Span<UInt8>) {
        name(key)
        text(value)
    }

    public mutating func add(_ key: StaticString, _ value: ArraySlice<UInt8>) { add(key, value.span) }

    public mutating func add(_ key: StaticString, _ value: String) {
        name(key)
        text(value.utf8.span)
    }

    public mutating func add(_ key: StaticString, literal value: StaticString) {
        name(key)
        queue.append(UInt8(ascii: "\""))
        queue.append(value)
        queue.append(UInt8(ascii: "\""))
    }

    public mutating func add(_ key: StaticString, _ value: UInt64) {
        name(key)
        queue.append(decimal: value)
    }

    public mutating func add(_ key: StaticString, _ value: Int) {
        name(key)
        if value < 0 { queue.append(UInt8(ascii: "-")) }
        queue.append(decimal: UInt64(value.magnitude))
    }

    public mutating func add(null key: StaticString) {
        name(key)
        queue.append("null")
    }

    /// Milliseconds with three digits behind the point.
    public mutating func add(_ key: StaticString, millisecondsOf nanoseconds: UInt64) {
        name(key)
        value(millisecondsOf: nanoseconds)
    }

    /// RFC 3339 in UTC, to the millisecond.
    public mutating func add(_ key: StaticString, _ time: WallTime) {
        name(key)
        value(time)
    }

    // MARK: columns, for lines whose members are always the same: the key comes with its punctuation, nil and empty values are null

    mutating func begin(_ head: StaticString) {
        queue.removeAll()
        queue.append(head)
    }

    mutating func literal(_ text: StaticString) { queue.append(text) }

    mutating func column(_ key: StaticString, literal value: StaticString) {
        queue.append(key)
        queue.append(value)
    }

    mutating func column(_ key: StaticString, _ value: Span<UInt8>) {
        queue.append(key)
        if value.isEmpty { queue.append("null") } else { text(value) }
    }

    mutating func column(_ key: StaticString, _ value: String?) {
        queue.append(key)
        guard let value, !value.isEmpty else { return queue.append("null") }
        text(value.utf8.span)
    }

    mutating func column(_ key: StaticString, _ value: UInt64) {
        queue.append(key)
        queue.append(decimal: value)
    }

    mutating func value(millisecondsOf nanoseconds: UInt64) {
        let microseconds = nanoseconds / 1000
        queue.append(decimal: microseconds / 1000)
        queue.append(UInt8(ascii: "."))
        digits(microseconds % 1000)
    }

    mutating func value(_ time: WallTime) {
        let second = time.seconds
        if second != keptSecond {
            keptSecond = second
            keptText = Array(RFC3339.format(time).utf8.dropLast())
        }
        queue.append(UInt8(ascii: "\""))
        queue.append(keptText)
        queue.append(UInt8(ascii: "."))
        // Negative times round down to the second, so that what is left over is positive.
        digits(UInt64(truncatingIfNeeded: time.milliseconds &- second &* 1000) % 1000)
        queue.append("Z\"")
    }

    // MARK: pieces

    private mutating func name(_ key: StaticString) {
        queue.append(isFirst ? "\"" : ",\"")
        isFirst = false
        queue.append(key)
        queue.append("\":")
    }

    private mutating func digits(_ value: UInt64) {
        queue.append(UInt8(truncatingIfNeeded: value / 100) &+ 0x30)
        queue.append(UInt8(truncatingIfNeeded: value / 10 % 10) &+ 0x30)
        queue.append(UInt8(truncatingIfNeeded: value % 10) &+ 0x30)
    }

    private mutating func text(_ value: Span<UInt8>) {
        let end = min(value.count, Self.valueLimit)
        queue.append(UInt8(ascii: "\""))
        var at = 0
        while at < end {
            let plain = Self.plainEnd(value, from: at, to: end)
            if plain > at { queue.append(value.extracting(at..<plain)) }
            at = plain
            if at < end { at &+= special(value, at, end) }
        }
        if end < value.count { queue.append("…") }
        queue.append(UInt8(ascii: "\""))
    }

    /// Where the bytes that stand for themselves end.
    private static func plainEnd(_ value: Span<UInt8>, from start: Int, to end: Int) -> Int {
        var at = start
        // Eight at a time: nearly every value is plain to its end.
        while end &- at >= 8, arePlain(unsafe value.bytes.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self)) { at &+= 8 }
        while at < end, isPlain(value[at]) { at &+= 1 }
        return at
    }

    /// Whether all eight bytes are plain. May say no of some that are: then they are looked at one by one.
    private static func arePlain(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        func hasZero(_ word: UInt64) -> UInt64 { (word &- ones) & ~word }
        let control = (word &- ones &* 0x20) & ~word
        let quote = hasZero(word ^ ones &* 0x22)
        let backslash = hasZero(word ^ ones &* 0x5C)
        let delete = hasZero(word ^ ones &* 0x7F)
        return (control | quote | backslash | delete | word) & (ones &* 0x80) == 0
    }

    /// ASCII that stands for itself in a JSON string.
    private static func isPlain(_ byte: UInt8) -> Bool { byte >= 0x20 && byte < 0x7F && byte != 0x22 && byte != 0x5C }

    /// Writes what begins at `at` and is not plain; returns how many bytes that were.
    private mutating func special(_ value: Span<UInt8>, _ at: Int, _ end: Int) -> Int {
        let byte = value[at]
        switch byte {
        case 0x22: queue.append("\\\"")
        case 0x5C: queue.append("\\\\")
        case 0x09: queue.append("\\t")
        case 0x0A: queue.append("\\n")
        case 0x0D: queue.append("\\r")
        case 0x00..<0x20, 0x7F: escape(byte)
        default:
            let length = UTF8Sequence.length(value, at, end)
            if length == 0 {
                queue.append("\u{FFFD}")
                return 1
            }
            // C1 controls, which terminals obey, are spelled out as the others are.
            if byte == 0xC2, value[at &+ 1] < 0xA0 {
                escape(value[at &+ 1])
            } else {
                queue.append(value.extracting(at..<at &+ length))
            }
            return length
        }
        return 1
    }

    private mutating func escape(_ byte: UInt8) {
        queue.append("\\u00")
        for digit in [byte >> 4, byte & 15] { queue.append(digit < 10 ? digit &+ 0x30 : digit &+ 0x57) }
    }
}

/// Well-formed UTF-8 beyond ASCII (Unicode 15, table 3-7).
enum UTF8Sequence {
    /// How many bytes the well-formed sequence at `at` has, 2…4; 0 where there is none before `end`.
    static func length(_ bytes: Span<UInt8>, _ at: Int, _ end: Int) -> Int {
        let first = bytes[at]
        let length: Int
        var low: UInt8 = 0x80
        var high: UInt8 = 0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0...0xEF:
            length = 3
            if first == 0xE0 { low = 0xA0 }
            if first == 0xED { high = 0x9F }
        case 0xF0...0xF4:
            length = 4
            if first == 0xF0 { low = 0x90 }
            if first == 0xF4 { high = 0x8F }
        default: return 0
        }
        guard end &- at >= length else { return 0 }
        for i in 1..<length {
            let byte = bytes[at &+ i]
            guard byte >= low, byte <= high else { return 0 }
            low = 0x80
            high = 0xBF
        }
        return length
    }
}
