/// A time zone: how far its clocks are ahead of UTC at any time, summer time included. Read from the system's compiled form (TZif, RFC 9636).
public struct TimeZoneTable: Equatable, Sendable {
    /// From when a difference holds, in seconds since 1970, ascending.
    private var starts: [Int64] = []
    /// The difference in seconds from the start with the same index on.
    private var offsets: [Int32] = []
    /// Before the first start.
    private var first: Int32 = 0
    /// From the last start on; nil: the last offset stays.
    private var rule: DaylightRule?

    /// No difference, ever.
    public static let utc = TimeZoneTable()

    private init() {}

    /// Seconds to add to UTC at `time` to get what clocks in this zone show.
    public func offset(at time: WallTime) -> Int64 {
        let seconds = time.seconds
        var low = 0, high = starts.count
        while low < high {
            let middle = (low + high) / 2
            if starts[middle] <= seconds { low = middle + 1 } else { high = middle }
        }
        if low == starts.count, let rule { return rule.offset(at: seconds) }
        return Int64(low == 0 ? first : offsets[low - 1])
    }

    // MARK: reading

    /// Nil where `bytes` are no TZif file, or contradict themselves.
    public init?(tzif bytes: [UInt8]) {
        var reader = Reader(bytes: bytes)
        guard let header = Header(&reader) else { return nil }
        if header.version == 1 {
            guard readBlock(header, &reader, timeSize: 4) else { return nil }
            return
        }
        // The second block says the same with 64 bits.
        guard reader.skip(header.size(timeSize: 4)), let header = Header(&reader), readBlock(header, &reader, timeSize: 8), reader.byte() == 0x0A else { return nil }
        guard let text = reader.line() else { return nil }
        if text.isEmpty { return }
        guard let rule = DaylightRule(text) else { return nil }
        self.rule = rule
    }

    private mutating func readBlock(_ header: Header, _ reader: inout Reader, timeSize: Int) -> Bool {
        guard header.types > 0, reader.left >= header.size(timeSize: timeSize) else { return false }
        for _ in 0..<header.times { starts.append(reader.number(timeSize)) }
        guard zip(starts, starts.dropFirst()).allSatisfy(<) else { return false }
        let indices = (0..<header.times).map { _ in Int(reader.number(1) & 0xFF) }
        var types: [Int32] = []
        for _ in 0..<header.types {
            types.append(Int32(truncatingIfNeeded: reader.number(4)))
            reader.at += 2
        }
        guard indices.allSatisfy(types.indices.contains), types.allSatisfy({ abs(Int($0)) < 26 * 3600 }) else { return false }
        offsets = indices.map { types[$0] }
        first = types[0]
        return reader.skip(header.characters + header.leaps * (timeSize + 4) + header.standards + header.universals)
    }

    /// Section 3.1 of the RFC.
    private struct Header {
        let version, universals, standards, leaps, times, types, characters: Int

        init?(_ reader: inout Reader) {
            guard reader.left >= 44, (0..<4).map({ reader.bytes[reader.at + $0] }).elementsEqual("TZif".utf8) else { return nil }
            let letter = reader.bytes[reader.at + 4]
            version = letter == 0 ? 1 : Int(letter) - 0x30
            reader.at += 20
            let counts = (0..<6).map { _ in Int(reader.number(4) & 0xFFFF_FFFF) }
            // No zone has so many of anything; sums of these fit.
            guard version >= 1, counts.allSatisfy({ $0 <= 100_000 }) else { return nil }
            (universals, standards, leaps) = (counts[0], counts[1], counts[2])
            (times, types, characters) = (counts[3], counts[4], counts[5])
        }

        func size(timeSize: Int) -> Int { times * (timeSize + 1) + types * 6 + characters + leaps * (timeSize + 4) + standards + universals }
    }

    private struct Reader {
        let bytes: [UInt8]
        var at = 0
        var left: Int { bytes.count - at }

        mutating func skip(_ count: Int) -> Bool {
            guard left >= count else { return false }
            at += count
            return true
        }

        mutating func byte() -> UInt8? { skip(1) ? bytes[at - 1] : nil }

        /// Signed, in network order. The caller has seen to it that the bytes are there.
        mutating func number(_ size: Int) -> Int64 {
            var value: UInt64 = bytes[at] & 0x80 == 0 ? 0 : .max
            for _ in 0..<size {
                value = value << 8 | UInt64(bytes[at])
                at += 1
            }
            return Int64(bitPattern: value)
        }

        mutating func line() -> ArraySlice<UInt8>? {
            guard let end = bytes[at...].firstIndex(of: 0x0A) else { return nil }
            defer { at = end + 1 }
            return bytes[at..<end]
        }
    }
}
