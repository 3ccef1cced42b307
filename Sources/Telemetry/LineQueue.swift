/// Whole lines that wait for a slow reader, in two lanes with a bound each: urgent lines go first and have room of their own. Pure.
struct LineQueue: Sendable {
    enum Lane: Sendable {
        case urgent, ordinary
    }

    /// Bytes that may wait in each lane.
    let capacity: Int
    private(set) var dropped: UInt64 = 0
    private var urgent: [UInt8] = []
    private var ordinary: [UInt8] = []

    init(capacity: Int) { self.capacity = capacity }

    var isEmpty: Bool { urgent.isEmpty && ordinary.isEmpty }

    var hasUrgent: Bool { !urgent.isEmpty }
    /// Bytes that wait in both lanes.
    var waiting: Int { urgent.count + ordinary.count }

    /// Adds a line, with a line feed where it has none; or counts it as dropped. True: it is the first to wait.
    mutating func add(_ line: Span<UInt8>, _ lane: Lane) -> Bool {
        guard !line.isEmpty else { return false }
        let wasEmpty = isEmpty
        let waiting = lane == .urgent ? urgent.count : ordinary.count
        let isWhole = line[line.count &- 1] == 0x0A
        guard line.count &+ (isWhole ? 0 : 1) <= capacity &- waiting else {
            dropped &+= 1
            return false
        }
        switch lane {
        case .urgent: Self.append(line, to: &urgent)
        case .ordinary: Self.append(line, to: &ordinary)
        }
        return wasEmpty
    }

    private static func append(_ line: Span<UInt8>, to lane: inout [UInt8]) {
        unsafe line.withUnsafeBytes { unsafe lane.append(contentsOf: $0) }
        if line[line.count &- 1] != 0x0A { lane.append(0x0A) }
    }

    /// Moves the lines of one lane out, the urgent one first, into the memory of `spent`.
    mutating func take(_ spent: inout [UInt8]) {
        spent.removeAll(keepingCapacity: spent.capacity <= capacity)
        if urgent.isEmpty { swap(&spent, &ordinary) } else { swap(&spent, &urgent) }
    }

    /// Lines that were taken and could not be written.
    mutating func lost(_ lines: Int) { dropped &+= UInt64(lines) }

    /// Where a piece of at most `limit` bytes that begins at `start` ends: behind a whole line if one fits, so that no other writer of the same
    /// file can come in between.
    static func pieceEnd(_ bytes: [UInt8], from start: Int, limit: Int) -> Int {
        let end = min(bytes.count, start + limit)
        if end == bytes.count { return end }
        var at = end
        while at > start, bytes[at - 1] != 0x0A { at -= 1 }
        return at > start ? at : end
    }
}
