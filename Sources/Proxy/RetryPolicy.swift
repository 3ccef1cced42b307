import Bytes

/// Whether a request that an upstream failed is tried again, and how long a try may take to connect.
///
/// It is tried again only where it cannot have been executed, or may be executed twice (RFC 9110 section 9.2.2): no connection was made, nothing
/// of it was written, or it has no body and an idempotent method and no byte of an answer came. The last of these once only: a
/// request that ends an upstream must not go on to end all of them.
struct RetryPolicy {
    /// Tries of one request, the first included.
    static let most = 3

    /// What is known of a try that failed.
    struct Attempt {
        /// Nothing of the request went out.
        var isUnwritten = false
        /// Executing the request twice does no harm, and nothing of an answer came.
        var mayRepeat = false
        /// Upstreams of the site that were not tried.
        var others = 0
        /// Further addresses of the same upstream that were not tried.
        var addresses = 0
    }

    /// How often it was tried.
    private(set) var tries = 0
    private let upstreams: Int
    private var hasRepeated = false
    /// Nanoseconds that are left for waiting and connecting, all tries together; while one waits, as of `waitingSince`.
    private var budget: UInt64
    private var waitingSince: MonotonicTime?

    /// - Parameters:
    ///   - budget: the site's time limit for connecting, in nanoseconds.
    ///   - upstreams: how many the site has.
    init(budget: UInt64, upstreams: Int) {
        self.budget = budget
        self.upstreams = upstreams
    }

    /// A try begins.
    mutating func began(at now: MonotonicTime) {
        tries += 1
        waits(since: now)
    }

    /// It waits for a place or a connection.
    mutating func waits(since now: MonotonicTime) {
        if waitingSince == nil { waitingSince = now }
    }

    /// It waits no more.
    mutating func connected(at now: MonotonicTime) {
        budget = left(at: now)
        waitingSince = nil
    }

    /// Nanoseconds that are left for waiting and connecting.
    func left(at now: MonotonicTime) -> UInt64 {
        guard let waitingSince else { return budget }
        let spent = now.since(waitingSince)
        return spent < budget ? budget - spent : 0
    }

    /// Nanoseconds that the present try may take to connect, so that as many `others` get as long.
    func share(others: Int, at now: MonotonicTime) -> UInt64 {
        left(at: now) / UInt64(1 + max(0, min(others, Self.most - tries)))
    }

    /// Whether to try again after `failure`. To be asked once a failure.
    mutating func triesAgain(after failure: UpstreamFailure, _ attempt: Attempt, at now: MonotonicTime) -> Bool {
        if tries >= Self.most || left(at: now) == 0 { return false }
        switch failure {
        case .unreachable: return attempt.others > 0 || attempt.addresses > 0
        // It refused this one request, or goes away; the next connection, or stream, may be welcome.
        case .notExecuted: return attempt.isUnwritten
        // One that closed before it was asked, or while it was.
        case .staleConnection: return tries <= upstreams && (attempt.isUnwritten || repeats(attempt))
        // A connection made for this very request: whoever ends it without a word would do so again.
        case .unanswered: return attempt.others > 0 && (attempt.isUnwritten || repeats(attempt))
        // Another upstream would need what is not there, too.
        case .outOfMeans, .broken, .timedOut: return false
        }
    }

    private mutating func repeats(_ attempt: Attempt) -> Bool {
        if !attempt.mayRepeat || hasRepeated { return false }
        hasRepeated = true
        return true
    }
}
