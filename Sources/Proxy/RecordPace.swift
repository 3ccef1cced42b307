import Bytes

/// How often a record that a stranger can provoke is written: once in ten seconds, with how many were left out since the last.
struct RecordPace {
    /// 10 s
    static let interval: UInt64 = 10_000_000_000
    private var last: MonotonicTime?
    private var unsaid = 0

    /// Nil: not now. Else how many were left out.
    mutating func mayWrite(now: MonotonicTime) -> Int? {
        if let last, now.since(last) < Self.interval {
            unsaid += 1
            return nil
        }
        defer { unsaid = 0 }
        last = now
        return unsaid
    }
}
