import Bytes
import Synchronization
import WeCom

/// A token, or a ticket, for all who need it: one of them fetches it, the others wait for what that brings (`AccessTokenCache` says when).
final class SharedToken: Sendable {
    /// A waiter is answered with nil when it should look again.
    private typealias Waiter = CheckedContinuation<Result<AccessToken, WeComError>?, Never>

    private struct State: Sendable {
        var cache = AccessTokenCache()
        var waiters: [Waiter] = []
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> MonotonicTime
    private let random: @Sendable () -> Double

    /// - Parameters:
    ///   - now: a clock that only goes forward.
    ///   - random: a number from 0 to 1.
    init(now: @escaping @Sendable () -> MonotonicTime, random: @escaping @Sendable () -> Double) {
        self.now = now
        self.random = random
    }

    /// The one in use, or a new one by `fetch`.
    func value(_ fetch: () async -> Result<FreshToken, WeComError>) async throws(WeComError) -> AccessToken {
        while true {
            switch state.withLock({ $0.cache.advice(at: now()) }) {
            case .use(let token): return token
            case .fail(let error): throw error
            case .fetch: return try finish(await fetch())
            case .wait: if let answer = await next() { return try answer.get() }
            }
        }
    }

    /// WeCom refused a call because of it.
    func rejected(_ token: AccessToken, error: WeComError) {
        state.withLock { $0.cache.rejected(token, error: error, at: now()) }
    }

    /// What the fetch under way brings; nil where it ended meanwhile.
    private func next() async -> Result<AccessToken, WeComError>? {
        await withCheckedContinuation { (waiter: Waiter) in
            let isWaiting = state.withLock { state in
                if state.cache.isFetching { state.waiters.append(waiter) }
                return state.cache.isFetching
            }
            if !isWaiting { waiter.resume(returning: nil) }
        }
    }

    private func finish(_ answer: Result<FreshToken, WeComError>) throws(WeComError) -> AccessToken {
        let (result, waiters) = state.withLock { state in
            let now = now()
            let result: Result<AccessToken, WeComError>
            switch answer {
            case .success(let fresh): result = .success(state.cache.fetched(fresh, at: now, jitter: random()))
            case .failure(let error): result = state.cache.failed(error, at: now).map { .success($0) } ?? .failure(error)
            }
            defer { state.waiters = [] }
            return (result, state.waiters)
        }
        for waiter in waiters { waiter.resume(returning: result) }
        return try result.get()
    }
}
