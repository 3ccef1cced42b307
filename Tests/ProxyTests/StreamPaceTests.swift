import Testing

@testable import Proxy

@Suite struct StreamPaceTests {
    @Test func whoTakesNothingOfWhatWaitsStandsStill() {
        var pace = StreamPace()
        pace.given = 100_000
        // At the first look it has only begun to wait.
        let looks = [pace.standstill(queued: 60_000, awaitsBody: false), pace.standstill(queued: 60_000, awaitsBody: false)]
        #expect(looks == [nil, .answer])
    }

    @Test func whoTakesAByteNowAndThenStandsStill() {
        var pace = StreamPace()
        pace.given = 100_000
        let looks = [60_000, 59_990, 50_000].map { pace.standstill(queued: $0, awaitsBody: false) }
        #expect(looks == [nil, .answer, nil])
    }

    @Test func aStreamWithNothingToSayIsNotStill() {
        var pace = StreamPace()
        let looks = (0..<3).map { _ in pace.standstill(queued: 0, awaitsBody: false) }
        #expect(looks == [nil, nil, nil])
    }

    @Test func aBodyThatDoesNotComeIsStillFromTheFirstLook() {
        var pace = StreamPace()
        let looks = [UInt64(0), 5000, 5010].map { received in
            pace.received = received
            return pace.standstill(queued: 0, awaitsBody: true)
        }
        #expect(looks == [.body, nil, .body])
    }

    @Test func whatTheUpstreamHeldBackIsNotTheClientsFault() {
        var pace = StreamPace()
        let looks = [false, true, true].map { pace.standstill(queued: 0, awaitsBody: $0) }
        #expect(looks == [nil, nil, .body])
    }
}
