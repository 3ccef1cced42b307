public import Bytes
import Synchronization

/// What one worker counts of one upstream. That worker alone writes it.
public final class UpstreamCounters: Sendable {
    /// In monotonic nanoseconds: when a connection was last made, and when that last failed; 0 where never.
    private let made = Atomic<UInt64>(0)
    private let failed = Atomic<UInt64>(0)
    private let out = Atomic(false)
    /// Ejections, retries.
    private let counts = CounterBlock()

    /// A connection was made, or could not be.
    public func connected(_ connected: Bool, at time: MonotonicTime) {
        if connected { made.store(time.nanoseconds, ordering: .relaxed) } else { failed.store(time.nanoseconds, ordering: .relaxed) }
    }

    /// The upstream is passed over because requests keep failing there; false from its next answer on.
    public var isOut: Bool {
        get { out.load(ordering: .relaxed) }
        set { out.store(newValue, ordering: .relaxed) }
    }

    /// The upstream is out from now on, or for longer.
    public func ejected() {
        isOut = true
        counts.add(0, 1)
    }

    /// A request that failed there is tried again.
    public func retried() { counts.add(1, 1) }

    func add(to totals: inout UpstreamTotals) {
        totals.made = max(totals.made, made.load(ordering: .relaxed))
        totals.failed = max(totals.failed, failed.load(ordering: .relaxed))
        totals.isOut = totals.isOut || isOut
        totals.ejections &+= counts.value(0)
        totals.retries &+= counts.value(1)
    }
}

/// What one worker counts of those who wait for an upstream of one site.
public final class QueueCounters: Sendable {
    private let counts = CounterBlock()

    public func joined() { counts.add(0, 1) }
    public func left() { counts.add(1, 1) }
    /// The line was full, or waiting took too long.
    public func turnedAway() { counts.add(2, 1) }

    func add(to totals: inout QueueTotals) {
        totals.waiting += Int64(clamping: counts.value(0)) - Int64(clamping: counts.value(1))
        totals.turnedAway &+= counts.value(2)
    }
}

/// The sums over all workers.
struct UpstreamTotals {
    var made: UInt64 = 0
    var failed: UInt64 = 0
    var isOut = false
    var ejections: UInt64 = 0
    var retries: UInt64 = 0

    /// No worker passes it over, and the last connection that any of them tried to make was made; true before the first.
    var isReached: Bool { !isOut && made >= failed }
}

struct QueueTotals {
    var waiting: Int64 = 0
    var turnedAway: UInt64 = 0
}
