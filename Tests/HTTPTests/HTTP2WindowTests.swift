import HTTP
import Testing

@testable import HTTP

@Suite struct HTTP2WindowTests {
    @Test func itDoublesForWhoKeepsUpAndStopsAtItsLimit() {
        var window = HTTP2Window()
        var sizes: [Int] = []
        for _ in 0..<200 {
            if let size = window.passedOn(50, waiting: 0, from: 100, to: 700) { sizes.append(size) }
        }
        #expect(sizes == [200, 400, 700])
    }

    @Test func whoDoesNotKeepUpGetsNoMore() {
        var window = HTTP2Window()
        for _ in 0..<200 { #expect(window.passedOn(50, waiting: 26, from: 100, to: 700) == nil) }
        #expect(window.size == 0)
    }

    @Test func anUploadThatIsPassedOnAtOnceWidensItsWindowAndTheConnections() {
        var limits = HTTP2Limits()
        limits.streamWindowGrown = 1 << 20
        limits.connectionWindowGrown = 2 << 20
        let pair = H2Pair(limits)
        let body = [UInt8](repeating: 5, count: 8 << 20)
        let stream = pair.client.request(H2.post(), body: body)
        var sizes: [Int] = []
        var received = 0
        while received < body.count {
            var held = 0
            pair.exchange { event, _ in if case .data(_, _, let count) = event { held += count } }
            if held == 0 { break }
            // The client sends all that its window lets it.
            if held != sizes.last { sizes.append(held) }
            received += held
            pair.server.session.consume(stream: stream, held)
        }
        #expect(received == body.count)
        #expect(sizes.starts(with: [256 << 10, 512 << 10, 1 << 20]))
    }

    @Test func whatNobodyTakesStaysWithinTheFirstWindow() {
        let pair = H2Pair()
        _ = pair.client.request(H2.post(), body: [UInt8](repeating: 5, count: 2 << 20))
        var received = 0
        pair.exchange { event, _ in if case .data(_, _, let count) = event { received += count } }
        #expect(received == 256 << 10)
    }
}

@Suite struct HTTP2RestTests {
    @Test func aSessionThatRestedServesOn() {
        let server = H2Server()
        for i in 0..<40 { server.feed(H2.headers(Int32(2 * i + 1), H2.get())) }
        server.session.rest()
        #expect(server.session.openStreams == 40, "not while streams are open")
        for i in 0..<40 { server.session.submitHead(stream: Int32(2 * i + 1), responseHead(204), endStream: true) }
        _ = server.output()
        _ = server.session.takeEvents()
        server.session.rest()
        #expect(server.feed(H2.headers(81, H2.get("/after"))).words == ["head 81 end"])
        let head = server.head(81)
        #expect(head.text(head.target) == "/after")
    }
}
