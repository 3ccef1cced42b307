import Bytes
import Testing

@testable import Proxy

@Suite struct PassiveEjectionTests {
    private static let second: UInt64 = 1_000_000_000
    private static func at(_ seconds: UInt64) -> MonotonicTime { MonotonicTime(nanoseconds: 1000 + seconds * second) }

    /// Three upstreams, of which the first failed often enough.
    private static func withOneOut() -> PassiveEjection {
        var ejection = PassiveEjection(upstreams: 3)
        for _ in 0..<5 { _ = ejection.failed(0, at: at(0)) }
        return ejection
    }

    @Test func fiveFailuresInARowPutAnUpstreamOut() {
        var ejection = PassiveEjection(upstreams: 2)
        let verdicts = (0..<5).map { _ in ejection.failed(1, at: Self.at(0)) }
        #expect(verdicts == [.nothing, .nothing, .nothing, .nothing, .out(10 * Self.second)])
        #expect(ejection.passedOver(at: Self.at(9)) == UpstreamSet(bits: 0b10))
        #expect(ejection.passedOver(at: Self.at(10)).isEmpty)
    }

    @Test func aSuccessBetweenThemBeginsTheCountAnew() {
        var ejection = PassiveEjection(upstreams: 2)
        for _ in 0..<4 { _ = ejection.failed(0, at: Self.at(0)) }
        let wasFailing = ejection.succeeded(0)
        #expect(!wasFailing)
        for _ in 0..<4 { _ = ejection.failed(0, at: Self.at(0)) }
        #expect(ejection.passedOver(at: Self.at(0)).isEmpty)
    }

    @Test func afterItsTimeOneRequestTriesIt() {
        var ejection = Self.withOneOut()
        ejection.picked(0, at: Self.at(10))
        #expect(ejection.passedOver(at: Self.at(10)) == UpstreamSet(bits: 1))
        let isBack = ejection.succeeded(0)
        #expect(isBack && ejection.outCount == 0)
        #expect(ejection.passedOver(at: Self.at(10)).isEmpty)
    }

    @Test func aTrialThatItsClientBrokeOffIsMadeAgain() {
        var ejection = Self.withOneOut()
        ejection.picked(0, at: Self.at(10))
        ejection.ended(0)
        #expect(ejection.passedOver(at: Self.at(11)).isEmpty)
    }

    @Test func eachTrialThatFailsDoublesTheTime() {
        var ejection = Self.withOneOut()
        var now: UInt64 = 10
        var times: [UInt64] = []
        for _ in 0..<7 {
            ejection.picked(0, at: Self.at(now))
            guard case .out(let time) = ejection.failed(0, at: Self.at(now)) else { continue }
            times.append(time / Self.second)
            now += time / Self.second
        }
        #expect(times == [20, 40, 80, 160, 300, 300, 300])
    }

    @Test func failuresOfWhatBeganBeforeItWentOutDoNotCount() {
        var ejection = Self.withOneOut()
        let verdict = ejection.failed(0, at: Self.at(5))
        #expect(verdict == .nothing)
        #expect(ejection.passedOver(at: Self.at(10)).isEmpty)
    }

    @Test func aSuccessWhileItIsOutBringsItBack() {
        var ejection = Self.withOneOut()
        let isBack = ejection.succeeded(0)
        #expect(isBack && ejection.passedOver(at: Self.at(1)).isEmpty)
    }

    @Test func theLastOneStaysIn() {
        var ejection = PassiveEjection(upstreams: 2)
        for _ in 0..<5 { _ = ejection.failed(0, at: Self.at(0)) }
        let verdicts = (0..<7).map { _ in ejection.failed(1, at: Self.at(1)) }
        #expect(verdicts == [.nothing, .nothing, .nothing, .nothing, .kept, .nothing, .nothing])
        #expect(ejection.passedOver(at: Self.at(1)) == UpstreamSet(bits: 1))
        let isBack = ejection.succeeded(1)
        #expect(isBack, "that it answers again is worth telling")
    }

    @Test func theLastOneGoesOutOnceAnotherIsBack() {
        var ejection = PassiveEjection(upstreams: 2)
        for index in [0, 1] { for _ in 0..<6 { _ = ejection.failed(index, at: Self.at(0)) } }
        _ = ejection.succeeded(0)
        let verdict = ejection.failed(1, at: Self.at(1))
        #expect(verdict == .out(10 * Self.second))
    }

    @Test func anOnlyOneIsNeverOut() {
        var ejection = PassiveEjection(upstreams: 1)
        for _ in 0..<100 { _ = ejection.failed(0, at: Self.at(0)) }
        #expect(ejection.passedOver(at: Self.at(0)).isEmpty)
    }
}
