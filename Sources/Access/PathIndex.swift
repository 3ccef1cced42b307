/// Finds the first of many patterns that has a path, in time that follows from the path and not from how many patterns there are: they are kept by the hash of
/// what they are written for, and a path is looked up once for each border between its segments.
public struct PathIndex: Sendable {
    /// What a path is compared with. Both are canonical and percent-decoded (`CanonicalTarget`).
    public struct Pattern: Hashable, Sendable {
        /// Without `/` at its end; empty: the root.
        public var path: [UInt8]
        /// `path` and all that lies below it; false: that path alone.
        public var below: Bool

        public init(path: [UInt8], below: Bool) {
            self.path = path
            self.below = below
        }

        /// Whether `path` is this pattern's or, with `below`, lies below it.
        func has(_ path: Span<UInt8>) -> Bool {
            let count = self.path.count
            guard path.count == count || below && path.count > count && path[count] == 0x2F else { return false }
            for i in 0..<count where path[i] != self.path[i] { return false }
            return true
        }
    }

    private struct Entry {
        var hash: UInt64
        var pattern: Pattern
        /// Numbers of the patterns that are alike, ascending.
        var numbers: [Int]
    }

    private var entries: [Entry] = []
    /// Positions in `entries` by hash, open addressing; -1: free. Their number is a power of two.
    private var slots: [Int32]

    /// - Parameter patterns: numbered from 0 in this order; the same one may stand in it several times.
    public init(_ patterns: [Pattern]) {
        var places: [Pattern: Int] = [:]
        for (number, pattern) in patterns.enumerated() {
            if let place = places[pattern] {
                entries[place].numbers.append(number)
            } else {
                places[pattern] = entries.count
                entries.append(Entry(hash: Self.hash(pattern), pattern: pattern, numbers: [number]))
            }
        }
        var size = 16
        while size < entries.count * 2 { size *= 2 }
        slots = [Int32](repeating: -1, count: size)
        for (place, entry) in entries.enumerated() {
            var slot = Int(truncatingIfNeeded: entry.hash) & (size - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (size - 1) }
            slots[slot] = Int32(place)
        }
    }

    /// The lowest number of a pattern that has `path` and that `accepts` takes; nil where there is none.
    public func first(_ path: Span<UInt8>, where accepts: (Int) -> Bool = { _ in true }) -> Int? {
        var best = Int.max
        var hash = Self.seed
        for at in path.indices {
            if path[at] == 0x2F { look(hash, path.extracting(0..<at), below: true, &best, accepts) }
            hash = Self.step(hash, path[at])
        }
        look(hash, path, below: true, &best, accepts)
        look(hash, path, below: false, &best, accepts)
        return best == Int.max ? nil : best
    }

    private func look(_ hash: UInt64, _ path: Span<UInt8>, below: Bool, _ best: inout Int, _ accepts: (Int) -> Bool) {
        let hash = Self.finish(hash, below: below)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count &- 1)
        while slots[slot] >= 0 {
            let place = Int(slots[slot])
            if entries[place].hash == hash, entries[place].pattern.below == below, Self.equal(entries[place].pattern.path, path) {
                for number in entries[place].numbers {
                    if number >= best { return }
                    if accepts(number) { best = number }
                }
                return
            }
            slot = (slot &+ 1) & (slots.count &- 1)
        }
    }

    private static func equal(_ pattern: [UInt8], _ path: Span<UInt8>) -> Bool {
        guard pattern.count == path.count else { return false }
        for i in path.indices where pattern[i] != path[i] { return false }
        return true
    }

    // FNV-1a over the path, and a last stir, since the low bits choose the slot.
    private static let seed: UInt64 = 0xcbf2_9ce4_8422_2325
    private static func step(_ hash: UInt64, _ byte: UInt8) -> UInt64 { (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    private static func finish(_ hash: UInt64, below: Bool) -> UInt64 {
        let mixed = (hash ^ (below ? 0x9e37_79b9_7f4a_7c15 : 0)) &* 0xff51_afd7_ed55_8ccd
        return mixed ^ mixed >> 32
    }
    private static func hash(_ pattern: Pattern) -> UInt64 { finish(pattern.path.reduce(seed, step), below: pattern.below) }
}
