/// A point on the clock that never goes back, for time limits. Nanoseconds since an arbitrary start.
public struct MonotonicTime: Comparable, Hashable, Sendable {
    public var nanoseconds: UInt64

    @inlinable public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }
    @inlinable public static func < (a: Self, b: Self) -> Bool { a.nanoseconds < b.nanoseconds }
    /// The time `nanoseconds` later.
    @inlinable public func advanced(by nanoseconds: UInt64) -> Self { Self(nanoseconds: self.nanoseconds &+ nanoseconds) }
    /// How long after `earlier` this is, in nanoseconds; 0 where it is not later.
    @inlinable public func since(_ earlier: Self) -> UInt64 {
        nanoseconds > earlier.nanoseconds ? nanoseconds &- earlier.nanoseconds : 0
    }
}

/// A point on the calendar, for what is stored or shown. Milliseconds since 1970-01-01T00:00:00Z, 64 bits (no 2038).
public struct WallTime: Comparable, Hashable, Sendable {
    public var milliseconds: Int64

    @inlinable public init(milliseconds: Int64) { self.milliseconds = milliseconds }
    @inlinable public init(seconds: Int64) { milliseconds = seconds * 1000 }
    /// Whole seconds since 1970, rounded down.
    @inlinable public var seconds: Int64 { milliseconds >= 0 ? milliseconds / 1000 : (milliseconds - 999) / 1000 }
    @inlinable public static func < (a: Self, b: Self) -> Bool { a.milliseconds < b.milliseconds }
    /// The time `duration` later, to the millisecond.
    public func advanced(by duration: Duration) -> Self { Self(milliseconds: milliseconds + duration.milliseconds) }
}

extension Duration {
    /// The whole milliseconds of this duration, rounded down.
    public var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
    /// The nanoseconds of this duration; 0 where it is negative.
    public var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        return seconds < 0 ? 0 : UInt64(seconds) * 1_000_000_000 + UInt64(max(0, attoseconds)) / 1_000_000_000
    }
}
