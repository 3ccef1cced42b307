import Bytes

/// Which of a site's upstreams are passed over because requests keep failing there. What counts is failures in a row: of connections, and of
/// requests that got no answer. An upstream that is out comes back on trial when its time is over: one request tries it, and its
/// success brings the upstream back, its failure doubles the time.
///
/// One upstream always stays in, so that a wrong verdict never turns a site off. Each worker judges by its own requests: nothing is shared, and a worker
/// that cannot reach an upstream for reasons of its own does not speak for the others.
struct PassiveEjection {
    struct Limits: Sendable {
        /// Failures in a row that put an upstream out.
        var failures = 5
        /// Nanoseconds: how long it is out for the first time.
        var first: UInt64 = 10_000_000_000
        /// Nanoseconds: the longest that it is out.
        var longest: UInt64 = 300_000_000_000
    }

    /// What a failure led to.
    enum Verdict: Equatable {
        case nothing
        /// Passed over for so many nanoseconds.
        case out(UInt64)
        /// It would be, but is the last one that is in.
        case kept
    }

    private struct Member {
        var failures = 0
        /// How often it was put out without a success since.
        var rounds = 0
        var until: MonotonicTime?
        var isOnTrial = false
    }

    private let limits: Limits
    private var members: [Member]
    /// How many are out, those on trial included.
    private(set) var outCount = 0

    init(upstreams count: Int, limits: Limits = Limits()) {
        self.limits = limits
        members = Array(repeating: Member(), count: count)
    }

    /// Those that get no request at `now`.
    func passedOver(at now: MonotonicTime) -> UpstreamSet {
        var set = UpstreamSet()
        if outCount == 0 { return set }
        for index in members.indices {
            if let until = members[index].until, now < until || members[index].isOnTrial { set.insert(index) }
        }
        return set
    }

    /// A request goes there: where the upstream's time is over, that is its trial.
    mutating func picked(_ index: Int, at now: MonotonicTime) {
        if outCount > 0, let until = members[index].until, now >= until { members[index].isOnTrial = true }
    }

    /// A request there ended without a verdict: its client went away.
    mutating func ended(_ index: Int) { members[index].isOnTrial = false }

    /// It answered. True where it had been failing.
    mutating func succeeded(_ index: Int) -> Bool {
        if members[index].failures == 0 { return false }
        let wasFailing = members[index].failures >= limits.failures
        if members[index].until != nil { outCount -= 1 }
        members[index] = Member()
        return wasFailing
    }

    /// No connection to it could be made, or it took a request and did not answer.
    mutating func failed(_ index: Int, at now: MonotonicTime) -> Verdict {
        if let until = members[index].until {
            // Only the trial counts: what began before it went out, or was tried there for want of others, says nothing new.
            if now < until || !members[index].isOnTrial { return .nothing }
            return putOut(index, at: now)
        }
        members[index].failures += 1
        if members[index].failures < limits.failures { return .nothing }
        if outCount + 1 >= members.count { return members[index].failures == limits.failures ? .kept : .nothing }
        outCount += 1
        return putOut(index, at: now)
    }

    private mutating func putOut(_ index: Int, at now: MonotonicTime) -> Verdict {
        let time = min(limits.longest, limits.first << UInt64(min(members[index].rounds, 16)))
        members[index].rounds += 1
        members[index].isOnTrial = false
        members[index].until = now.advanced(by: time)
        return .out(time)
    }
}
