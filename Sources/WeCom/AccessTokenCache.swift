public import Bytes

/// A token as `gettoken` gave it.
public struct FreshToken: Sendable, Equatable {
    public var text: Hidden
    /// How long WeCom promises it to live.
    public var lifetime: Duration

    public init(text: Hidden, lifetime: Duration) {
        self.text = text
        self.lifetime = lifetime
    }
}

/// A token in use. The number tells it from its successors, so that a late complaint about an old one does not throw away a new one.
public struct AccessToken: Sendable, Equatable {
    public var text: Hidden
    public var number: UInt64
}

/// When to fetch the app's access token: once for many waiters, early enough, again when WeCom says that it is bad, and not in a hurry after failures
/// (WeCom blocks who asks with a wrong secret too often). A value without a clock; whoever holds it makes the calls.
public struct AccessTokenCache: Sendable {
    public enum Advice: Sendable, Equatable {
        /// Use this one.
        case use(AccessToken)
        /// Make the call and report with `fetched` or `failed`; until then nobody else is told to.
        case fetch
        /// Somebody fetches; wait for their report.
        case wait
        /// The last fetch failed, and it is too early for another.
        case fail(WeComError)
    }

    private struct Held {
        var token: AccessToken
        var fetchedAt: MonotonicTime
        var refreshAt: MonotonicTime
        var expiresAt: MonotonicTime
    }

    private var held: Held?
    /// Whether somebody was told to fetch and has not reported yet.
    public private(set) var isFetching = false
    private var count: UInt64 = 0
    private var failures = 0
    private var lastFailure: WeComError?
    private var notBefore = MonotonicTime(nanoseconds: 0)
    /// Tokens in a row that WeCom refused soon after it gave them.
    private var shortLived = 0

    public init() {}

    /// What somebody who needs a token at `now` should do.
    public mutating func advice(at now: MonotonicTime) -> Advice {
        if let held, now < held.expiresAt {
            // One of the askers renews an ageing token; the others go on with it.
            if now < held.refreshAt || isFetching || now < notBefore { return .use(held.token) }
            isFetching = true
            return .fetch
        }
        if isFetching { return .wait }
        if now < notBefore, let lastFailure { return .fail(lastFailure) }
        isFetching = true
        return .fetch
    }

    /// A fetch succeeded. It is renewed 5–10 minutes before its end (less for a short life), so that gateways sharing an app do not ask all at once.
    /// - Parameter jitter: random, 0 to 1.
    public mutating func fetched(_ fresh: FreshToken, at now: MonotonicTime, jitter: Double) -> AccessToken {
        let life = fresh.lifetime.nanoseconds
        let share = min(jitter.isFinite ? max(jitter, 0) : 0, 1)
        let margin = min(300_000_000_000, life / 10)
        let early = margin + UInt64(Double(margin) * share)
        count += 1
        let token = AccessToken(text: fresh.text, number: count)
        held = Held(token: token, fetchedAt: now, refreshAt: now.advanced(by: life - min(early, life)), expiresAt: now.advanced(by: life))
        isFetching = false
        failures = 0
        return token
    }

    /// A fetch failed. The next one is 1, 2, 4 … 60 s away; after a refusal by WeCom (a wrong secret, say) 15, 30, 60 s; after a call limit 60 s.
    /// - Returns: the token that is still good, if there is one.
    public mutating func failed(_ error: WeComError, at now: MonotonicTime) -> AccessToken? {
        isFetching = false
        failures = min(failures + 1, 7)
        lastFailure = error
        let limited = error.errcode == ErrorCode.tooManyCalls || error.errcode == ErrorCode.tooManyAtOnce
        let first: UInt64 = limited ? 60 : error.kind == .transient || error.kind == .unreachable ? 1 : 15
        notBefore = now.advanced(by: min(first << UInt64(failures - 1), 60) * 1_000_000_000)
        guard let held, now < held.expiresAt else { return nil }
        return held.token
    }

    /// WeCom refused a call because of its token. It is dropped if it is still the one in use.
    /// A third one in a row that dies within a minute of its birth makes us wait 15 s: there is something wrong that new tokens do not cure.
    public mutating func rejected(_ token: AccessToken, error: WeComError, at now: MonotonicTime) {
        guard let current = held, current.token.number == token.number else { return }
        held = nil
        shortLived = now.since(current.fetchedAt) < 60_000_000_000 ? shortLived + 1 : 0
        if shortLived > 2 {
            shortLived = 0
            lastFailure = error
            notBefore = now.advanced(by: 15_000_000_000)
        }
    }
}
