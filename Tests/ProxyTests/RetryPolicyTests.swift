import Bytes
import Testing

@testable import Proxy

@Suite struct RetryPolicyTests {
    private static func at(_ nanoseconds: UInt64) -> MonotonicTime { MonotonicTime(nanoseconds: 1000 + nanoseconds) }

    /// A request that was tried so often, with a time limit of 100 for connecting.
    private static func policy(upstreams: Int, tries: Int = 1) -> RetryPolicy {
        var policy = RetryPolicy(budget: 100, upstreams: upstreams)
        for _ in 0..<tries { policy.began(at: at(0)) }
        return policy
    }

    private static func triesAgain(_ failure: UpstreamFailure, _ attempt: RetryPolicy.Attempt, upstreams: Int = 2, tries: Int = 1) -> Bool {
        var policy = policy(upstreams: upstreams, tries: tries)
        return policy.triesAgain(after: failure, attempt, at: at(1))
    }

    private static let posted = RetryPolicy.Attempt(isUnwritten: false, mayRepeat: false, others: 1)
    private static let unwritten = RetryPolicy.Attempt(isUnwritten: true, mayRepeat: false, others: 1)
    private static let get = RetryPolicy.Attempt(isUnwritten: false, mayRepeat: true, others: 1)

    @Test func withoutAConnectionAnythingIsTriedElsewhere() {
        #expect(Self.triesAgain(.unreachable, Self.unwritten))
    }

    @Test func withoutAConnectionTheOnlyAddressIsNotAskedTwice() {
        #expect(!Self.triesAgain(.unreachable, RetryPolicy.Attempt(isUnwritten: true), upstreams: 1))
        #expect(Self.triesAgain(.unreachable, RetryPolicy.Attempt(isUnwritten: true, addresses: 1), upstreams: 1))
    }

    @Test func withoutMeansToConnectNobodyElseIsTried() {
        #expect(!Self.triesAgain(.outOfMeans, Self.unwritten) && !Self.triesAgain(.outOfMeans, Self.get))
    }

    @Test(arguments: [UpstreamFailure.staleConnection, .unanswered, .broken, .timedOut])
    func aPostThatWasWrittenIsNeverTriedAgain(_ failure: UpstreamFailure) {
        #expect(!Self.triesAgain(failure, Self.posted))
    }

    @Test func aPostOfWhichNothingWasWrittenIsTriedAgain() {
        #expect(Self.triesAgain(.staleConnection, Self.unwritten))
        #expect(Self.triesAgain(.unanswered, Self.unwritten))
    }

    @Test(arguments: [UpstreamFailure.broken, .timedOut])
    func whatWasAnsweredOrIsWorkedOnIsNotTriedAgain(_ failure: UpstreamFailure) {
        #expect(!Self.triesAgain(failure, Self.get))
    }

    @Test func anIdempotentRequestWithoutAnAnswerIsRepeatedOnce() {
        var policy = Self.policy(upstreams: 3)
        let first = policy.triesAgain(after: .staleConnection, Self.get, at: Self.at(1))
        policy.began(at: Self.at(1))
        let second = policy.triesAgain(after: .unanswered, Self.get, at: Self.at(1))
        #expect(first && !second)
    }

    @Test func aConnectionMadeForItThatEndsIsNotRepeatedAtTheSameUpstream() {
        #expect(!Self.triesAgain(.unanswered, RetryPolicy.Attempt(mayRepeat: true, others: 0), upstreams: 1))
        #expect(Self.triesAgain(.staleConnection, RetryPolicy.Attempt(mayRepeat: true, others: 0), upstreams: 1))
    }

    @Test func thereAreThreeTriesAtTheMost() {
        #expect(Self.triesAgain(.unreachable, Self.unwritten, upstreams: 9, tries: 2))
        #expect(!Self.triesAgain(.unreachable, Self.unwritten, upstreams: 9, tries: 3))
        // Of a single upstream two.
        #expect(!Self.triesAgain(.staleConnection, RetryPolicy.Attempt(isUnwritten: true), upstreams: 1, tries: 2))
    }

    @Test func allTriesShareTheTimeForConnecting() {
        var policy = RetryPolicy(budget: 90, upstreams: 3)
        policy.began(at: Self.at(0))
        #expect(policy.share(others: 2, at: Self.at(0)) == 30)
        let again = policy.triesAgain(after: .unreachable, Self.unwritten, at: Self.at(30))
        policy.began(at: Self.at(30))
        #expect(again && policy.share(others: 1, at: Self.at(30)) == 30)
        policy.began(at: Self.at(60))
        #expect(policy.share(others: 5, at: Self.at(60)) == 30, "after the third there is none")
        #expect(policy.left(at: Self.at(90)) == 0)
    }

    @Test func afterThatTimeThereIsNoTry() {
        var policy = Self.policy(upstreams: 3)
        let again = policy.triesAgain(after: .unreachable, Self.unwritten, at: Self.at(100))
        #expect(!again)
    }

    @Test func waitingForAnAnswerTakesNothingOfIt() {
        var policy = Self.policy(upstreams: 2)
        policy.connected(at: Self.at(10))
        #expect(policy.left(at: Self.at(5000)) == 90)
        let again = policy.triesAgain(after: .staleConnection, Self.get, at: Self.at(5000))
        #expect(again)
    }
}
