public import Bytes
public import Outbound
import Synchronization
public import WeCom

/// Asks WeCom, as one app of it, who somebody is. One for the whole process, so that all workers share its access token.
public final class Directory: Sendable {
    /// What the directory takes from its surroundings; tests bring their own.
    public struct Surroundings: Sendable {
        /// A clock that only goes forward.
        public var now: @Sendable () -> MonotonicTime
        /// Waits that long.
        public var pause: @Sendable (Duration) async -> Void
        /// A random number from 0 to 1.
        public var random: @Sendable () -> Double
        /// Told of every call that was made, for the metrics: its path and `errcode`, nil where there was no readable answer.
        public var onCall: @Sendable (_ api: String, _ errcode: Int?) -> Void

        /// The system's clock and random numbers.
        public init(onCall: @escaping @Sendable (_ api: String, _ errcode: Int?) -> Void = { _, _ in }) {
            let start = ContinuousClock.now
            now = { MonotonicTime(nanoseconds: (ContinuousClock.now - start).nanoseconds) }
            pause = { try? await Task.sleep(for: $0) }
            random = { Double.random(in: 0...1) }
            self.onCall = onCall
        }
    }

    /// A waiter is answered with nil when it should look again.
    private typealias Waiter = CheckedContinuation<Result<AccessToken, WeComError>?, Never>

    private struct State: Sendable {
        var cache = AccessTokenCache()
        var waiters: [Waiter] = []
    }

    private let state = Mutex(State())
    private let wecom: WeComProtocol
    private let userinfo: String
    private let caller: any HTTPCaller
    private let surroundings: Surroundings

    public init(_ app: WeComApp, caller: any HTTPCaller, surroundings: Surroundings = Surroundings()) {
        wecom = WeComProtocol(app)
        userinfo = app.endpoints.userinfo
        self.caller = caller
        self.surroundings = surroundings
    }

    /// Whom the code stands for, by `auth/getuserinfo`. A code works once: after any error but those that `CallRetry` repeats, the login starts anew.
    public func identify(code: String) async throws(WeComError) -> Identity {
        // Without asking: WeCom never gave such a code.
        guard 1...WeComProtocol.codeLimit ~= code.utf8.count else { throw WeComError(api: userinfo, errcode: ErrorCode.badCode) }
        let wecom = wecom
        return try await ask { wecom.identity(code: code, token: $0) } read: { (answer) throws(WeComError) in try wecom.readIdentity(answer) }
    }

    /// What the directory tells of a member, by `user/get`.
    public func member(userid: String) async throws(WeComError) -> DirectoryMember {
        let wecom = wecom
        return try await ask { wecom.member(user: userid, token: $0) } read: { (answer) throws(WeComError) in
            try wecom.readMember(answer, user: userid)
        }
    }

    // MARK: calls

    private func ask<Value>(
        _ build: (Hidden) -> APICall, read: (APIAnswer) throws(WeComError) -> Value
    ) async throws(WeComError) -> Value {
        var retry = CallRetry()
        while true {
            let token = try await token()
            do {
                return try await make(build(token.text), read)
            } catch {
                if error.asksForNewToken { state.withLock { $0.cache.rejected(token, error: error, at: surroundings.now()) } }
                switch retry.next(after: error) {
                case .newToken: continue
                case .pause(let duration): await surroundings.pause(duration)
                case .giveUp: throw error
                }
            }
        }
    }

    private func make<Value>(_ call: APICall, _ read: (APIAnswer) throws(WeComError) -> Value) async throws(WeComError) -> Value {
        do {
            let value = try read(try await send(call))
            surroundings.onCall(call.api, 0)
            return value
        } catch {
            surroundings.onCall(call.api, error.errcode)
            throw error
        }
    }

    private func send(_ call: APICall) async throws(WeComError) -> APIAnswer {
        let method: OutboundRequest.Method =
            switch call.method {
            case .get: .get
            case .post: .post
            }
        do {
            let response = try await caller.call(OutboundRequest(method: method, url: call.url, body: call.body ?? [], timeout: call.timeout))
            return APIAnswer(status: response.status, body: response.body)
        } catch {
            let kind: WeComError.Kind =
                switch error.reason {
                case .timeout, .unreachable, .tls, .aborted: .unreachable
                case .tooLarge, .malformed: .badAnswer
                case .badRequest: .config
                case .overloaded: .transient
                }
            throw WeComError(api: call.api, kind: kind, transport: error.reason.rawValue)
        }
    }

    // MARK: the access token

    private func token() async throws(WeComError) -> AccessToken {
        while true {
            switch state.withLock({ $0.cache.advice(at: surroundings.now()) }) {
            case .use(let token): return token
            case .fail(let error): throw error
            case .fetch: return try await fetchToken()
            case .wait: if let answer = await nextToken() { return try answer.get() }
            }
        }
    }

    /// What the fetch under way brings; nil where it ended meanwhile.
    private func nextToken() async -> Result<AccessToken, WeComError>? {
        await withCheckedContinuation { (waiter: Waiter) in
            let isWaiting = state.withLock { state in
                if state.cache.isFetching { state.waiters.append(waiter) }
                return state.cache.isFetching
            }
            if !isWaiting { waiter.resume(returning: nil) }
        }
    }

    private func fetchToken() async throws(WeComError) -> AccessToken {
        var answer: Result<FreshToken, WeComError>
        var retry = CallRetry()
        while true {
            do {
                answer = .success(try await make(wecom.token()) { (answer) throws(WeComError) in try wecom.readToken(answer) })
                break
            } catch {
                answer = .failure(error)
                guard case .pause(let duration) = retry.next(after: error) else { break }
                await surroundings.pause(duration)
            }
        }
        let (result, waiters) = state.withLock { state in
            let now = surroundings.now()
            let result: Result<AccessToken, WeComError>
            switch answer {
            case .success(let fresh): result = .success(state.cache.fetched(fresh, at: now, jitter: surroundings.random()))
            case .failure(let error): result = state.cache.failed(error, at: now).map { .success($0) } ?? .failure(error)
            }
            defer { state.waiters = [] }
            return (result, state.waiters)
        }
        for waiter in waiters { waiter.resume(returning: result) }
        return try result.get()
    }
}
