import Testing

@testable import Proxy

@Suite struct StreamPaceTests {
    @Test func whoTakesNothingOfWhatWaitsStandsStill() {
        var pace = StreamPace()
        pace.given = 100_000
        // At the first look it has only begun to wait.
        let looks = [pace.standsStill(queued: 60_000, awaitsBody: false), pace.standsStill(queued: 60_000, awaitsBody: false)]
        #expect(looks == [false, true])
    }

    @Test func whoTakesAByteNowAndThenStandsStill() {
        var pace = StreamPace()
        pace.given = 100_000
        let looks = [60_000, 59_990, 50_000].map { pace.standsStill(queued: $0, awaitsBody: false) }
        #expect(looks == [false, true, false])
    }

    @Test func aStreamWithNothingToSayIsNotStill() {
        var pace = StreamPace()
        let looks = (0..<3).map { _ in pace.standsStill(queued: 0, awaitsBody: false) }
        #expect(looks == [false, false, false])
    }

    @Test func aBodyThatDoesNotComeIsStillFromTheFirstLook() {
        var pace = StreamPace()
        let looks = [UInt64(0), 5000, 5010].map { received in
            pace.received = received
            return pace.standsStill(queued: 0, awaitsBody: true)
        }
        #expect(looks == [true, false, true])
    }

    @Test func whatTheUpstreamHeldBackIsNotTheClientsFault() {
        var pace = StreamPace()
        let looks = [false, true, true].map { pace.standsStill(queued: 0, awaitsBody: $0) }
        #expect(looks == [false, false, true])
    }
}
