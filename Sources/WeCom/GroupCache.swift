public import Bytes

/// When to read a corp's departments and tags: once for many waiters, again when what is known is too old, and not in a hurry after failures. A value
/// without a clock; whoever holds it makes the calls.
public struct GroupCache: Sendable {
    public enum Advice: Sendable, Equatable {
        case use(CorpGroups)
        /// Make the calls and report with `read` or `failed`; until then nobody else is told to.
        case read
        /// Somebody reads; wait for their report.
        case wait
        /// The last try failed, and it is too early for another. `last`: what was known before, while that may stand.
        case fail(WeComError, last: CorpGroups?)
    }

    private let maximumAge: UInt64
    private let grace: UInt64
    private var groups: CorpGroups?
    private var readAt = MonotonicTime(nanoseconds: 0)
    private var isForgotten = false
    private var lastFailure: WeComError?
    private var notBefore = MonotonicTime(nanoseconds: 0)
    public private(set) var isReading = false

    /// - Parameters:
    ///   - maximumAge: how old what is known may get (`sessions.recheck`).
    ///   - grace: how long after that it may stand while it cannot be read again.
    public init(maximumAge: Duration, grace: Duration) {
        self.maximumAge = maximumAge.nanoseconds
        self.grace = grace.nanoseconds
    }

    public mutating func advice(at now: MonotonicTime) -> Advice {
        if let groups, !isForgotten, now.since(readAt) < maximumAge { return .use(groups) }
        if isReading { return .wait }
        if now < notBefore, let lastFailure { return .fail(lastFailure, last: last(at: now)) }
        isReading = true
        // What is told from now on this reading may miss.
        isForgotten = false
        return .read
    }

    /// Whether `advice` would have somebody read.
    public func isDue(at now: MonotonicTime) -> Bool {
        !isReading && now >= notBefore && (groups == nil || isForgotten || now.since(readAt) >= maximumAge)
    }

    /// What was read, as of when the reading began.
    public mutating func read(_ groups: CorpGroups, begun: MonotonicTime) {
        self.groups = groups
        readAt = begun
        isReading = false
        lastFailure = nil
    }

    /// It could not be read; the next try is 30 s away, less where it is read more often than that.
    public mutating func failed(_ error: WeComError, at now: MonotonicTime) -> CorpGroups? {
        isReading = false
        isForgotten = true
        lastFailure = error
        notBefore = now.advanced(by: min(30_000_000_000, maximumAge))
        return last(at: now)
    }

    /// It is known to have changed: whoever asks next reads it anew.
    public mutating func forget() {
        isForgotten = true
        notBefore = MonotonicTime(nanoseconds: 0)
    }

    private func last(at now: MonotonicTime) -> CorpGroups? { now.since(readAt) < maximumAge + grace ? groups : nil }
}
