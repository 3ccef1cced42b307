import Bytes
import Testing
import WeCom

/// A time in seconds on a clock of the test's own.
private func at(_ seconds: Double) -> MonotonicTime { MonotonicTime(nanoseconds: 1_000_000_000_000 + UInt64(seconds * 1e9)) }

private func fresh(_ text: String, life: Int = 7200) -> FreshToken { FreshToken(text: Hidden(text), lifetime: .seconds(life)) }

private let wrongSecret = WeComError(api: "gettoken", errcode: 40001)
private let badToken = WeComError(api: "user/get", errcode: 40014)

@Suite struct AccessTokenCacheTests {
    private var cache = AccessTokenCache()

    @Test mutating func `one fetches and the others wait`() {
        #expect(cache.advice(at: at(0)) == .fetch)
        #expect(cache.advice(at: at(0)) == .wait)
        #expect(cache.advice(at: at(4)) == .wait)
        let token = cache.fetched(fresh("a"), at: at(4), jitter: 0)
        #expect(cache.advice(at: at(4)) == .use(token))
        #expect(cache.advice(at: at(6000)) == .use(token))
    }

    @Test mutating func `it is renewed early by one while the others go on`() {
        _ = cache.advice(at: at(0))
        let old = cache.fetched(fresh("a"), at: at(0), jitter: 0)
        #expect(cache.advice(at: at(6899)) == .use(old))
        #expect(cache.advice(at: at(6900)) == .fetch)
        #expect(cache.advice(at: at(6900)) == .use(old))
        let new = cache.fetched(fresh("b"), at: at(6901), jitter: 0)
        #expect(new != old)
        #expect(cache.advice(at: at(6901)) == .use(new))
    }

    @Test(arguments: [(0.0, 6900.0), (0.5, 6750), (1, 6600), (7, 6600), (-3, 6900), (.nan, 6900)])
    func `jitter spreads the renewal`(_ jitter: Double, _ due: Double) {
        var cache = AccessTokenCache()
        _ = cache.advice(at: at(0))
        let token = cache.fetched(fresh("a"), at: at(0), jitter: jitter)
        #expect(cache.advice(at: at(due - 1)) == .use(token))
        #expect(cache.advice(at: at(due)) == .fetch)
    }

    @Test mutating func `a short life is used for most of its time`() {
        _ = cache.advice(at: at(0))
        let token = cache.fetched(fresh("a", life: 10), at: at(0), jitter: 1)
        #expect(cache.advice(at: at(7)) == .use(token))
        #expect(cache.advice(at: at(8)) == .fetch)
    }

    @Test mutating func `nobody gets an expired one while a renewal is under way`() {
        _ = cache.advice(at: at(0))
        _ = cache.fetched(fresh("a"), at: at(0), jitter: 0)
        #expect(cache.advice(at: at(7199)) == .fetch)
        #expect(cache.advice(at: at(7200)) == .wait)
    }

    @Test mutating func `a renewal that fails leaves the old one in use, with a pause before the next`() {
        _ = cache.advice(at: at(0))
        let token = cache.fetched(fresh("a"), at: at(0), jitter: 0)
        #expect(cache.advice(at: at(7000)) == .fetch)
        #expect(cache.failed(wrongSecret, at: at(7000)) == token)
        #expect(cache.advice(at: at(7001)) == .use(token))
        #expect(cache.advice(at: at(7015)) == .fetch)
    }

    @Test mutating func `a wrong secret is tried a few times a minute at the most`() {
        var fetches = 0
        for second in 0..<600 {
            for _ in 0..<10 {
                switch cache.advice(at: at(Double(second))) {
                case .fetch:
                    fetches += 1
                    #expect(cache.failed(wrongSecret, at: at(Double(second))) == nil)
                case .fail(let error): #expect(error == wrongSecret)
                case .use, .wait: Issue.record("nothing to use or to wait for")
                }
            }
        }
        #expect(fetches <= 12)
        #expect(fetches >= 8)
    }

    @Test mutating func `an outage is noticed to be over within a minute`() {
        let outage = WeComError.unreachable("gettoken")
        _ = cache.advice(at: at(0))
        _ = cache.failed(outage, at: at(0))
        #expect(cache.advice(at: at(0.9)) == .fail(outage))
        #expect(cache.advice(at: at(1)) == .fetch)
        for _ in 0..<100 { _ = cache.failed(outage, at: at(1)) }
        #expect(cache.advice(at: at(60)) == .fail(outage))
        #expect(cache.advice(at: at(61)) == .fetch)
        let token = cache.fetched(fresh("a"), at: at(61), jitter: 0)
        #expect(cache.advice(at: at(61)) == .use(token))
    }

    @Test(arguments: [45009, 45033])
    func `a call limit is respected for a minute`(_ code: Int) {
        var cache = AccessTokenCache()
        let limit = WeComError(api: "gettoken", errcode: code)
        _ = cache.advice(at: at(0))
        _ = cache.failed(limit, at: at(0))
        #expect(cache.advice(at: at(59)) == .fail(limit))
        #expect(cache.advice(at: at(60)) == .fetch)
    }

    @Test mutating func `a refused token is dropped once, and a late complaint does not touch its successor`() {
        _ = cache.advice(at: at(0))
        let old = cache.fetched(fresh("a"), at: at(0), jitter: 0)
        cache.rejected(old, error: badToken, at: at(100))
        #expect(cache.advice(at: at(100)) == .fetch)
        cache.rejected(old, error: badToken, at: at(100))
        #expect(cache.advice(at: at(100)) == .wait)
        let new = cache.fetched(fresh("a"), at: at(101), jitter: 0)
        cache.rejected(old, error: badToken, at: at(102))
        #expect(cache.advice(at: at(102)) == .use(new))
    }

    @Test mutating func `tokens that die at once are not fetched for ever`() {
        var fetches = 0
        for step in 0..<600 {
            let now = at(Double(step) / 10)
            if cache.advice(at: now) == .fetch {
                fetches += 1
                cache.rejected(cache.fetched(fresh("a"), at: now, jitter: 0), error: badToken, at: now)
            }
        }
        #expect(fetches <= 15)
    }
}

@Suite struct CallRetryTests {
    private var retry = CallRetry()

    @Test(arguments: [40014, 42001, 41001])
    func `a refused token is replaced once`(_ code: Int) {
        var retry = CallRetry()
        #expect(retry.next(after: WeComError(api: "user/get", errcode: code)) == .newToken)
        #expect(retry.next(after: WeComError(api: "user/get", errcode: code)) == .giveUp)
    }

    @Test mutating func `busy is repeated three times, with growing pauses`() {
        let busy = WeComError(api: "user/get", errcode: -1)
        #expect(retry.next(after: busy) == .pause(.milliseconds(100)))
        #expect(retry.next(after: busy) == .pause(.milliseconds(300)))
        #expect(retry.next(after: busy) == .pause(.milliseconds(900)))
        #expect(retry.next(after: busy) == .giveUp)
    }

    @Test(arguments: [45009, 45033, 40029, 40001, 60020, 60011])
    func `other refusals are final`(_ code: Int) {
        var retry = CallRetry()
        #expect(retry.next(after: WeComError(api: "user/get", errcode: code)) == .giveUp)
    }

    @Test mutating func `no answer is final, since the code may be spent`() {
        #expect(retry.next(after: .unreachable("auth/getuserinfo")) == .giveUp)
        #expect(retry.next(after: .badAnswer("auth/getuserinfo")) == .giveUp)
    }
}
