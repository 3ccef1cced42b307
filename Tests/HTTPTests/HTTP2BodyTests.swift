import HTTP
import Testing

@Suite struct HTTP2BodyTests {
    @Test func aGetIsAnswered() {
        let pair = H2Pair()
        let stream = pair.client.request(H2.get("/x"))
        var events: [String] = []
        pair.exchange { event, _ in
            events.append(event.word)
            if case .head(let stream, _) = event {
                pair.server.session.submitHead(stream: stream, responseHead(200, [("Content-Type", "text/plain"), ("X-Case", "Kept")]), endStream: false)
                pair.server.session.send(stream: stream, Array("hello".utf8).span)
                pair.server.session.finish(stream: stream)
            }
        }
        let answer = pair.client.answers[stream]!
        #expect(events == ["head 1 end", "closed 1"])
        #expect(answer.status == "200")
        #expect(answer.fields.map { $0.0 } == ["content-type", "x-case"])
        #expect(answer.fields.map { $0.1 } == ["text/plain", "Kept"])
        #expect(answer.body == Array("hello".utf8))
        #expect(answer.isClosed && answer.code == 0)
        #expect(pair.server.session.openStreams == 0)
    }

    @Test func anAnswerToHeadHasALengthAndNoBody() {
        let pair = H2Pair()
        var fields = H2.get()
        fields[0].1 = "HEAD"
        let stream = pair.client.request(fields)
        pair.exchange { event, _ in
            guard case .head(let stream, _) = event else { return }
            #expect(pair.server.session.takeHead(stream: stream).method == .head)
            pair.server.session.submitHead(stream: stream, responseHead(200, [("Content-Length", "1234")]), endStream: true)
        }
        let answer = pair.client.answers[stream]!
        #expect(answer.fields.contains { $0 == ("content-length", "1234") })
        #expect(answer.body.isEmpty && answer.isClosed && answer.code == 0)
    }

    @Test func connectionSpecificFieldsAreLeftOut() {
        let pair = H2Pair()
        let stream = pair.client.request(H2.get())
        pair.exchange { event, _ in
            guard case .head(let stream, _) = event else { return }
            let head = responseHead(200, [("Connection", "close"), ("Keep-Alive", "5"), ("Transfer-Encoding", "chunked"), ("Upgrade", "h2c"),
                                          ("Proxy-Connection", "close"), ("Set-Cookie", "a=b"), ("ETag", "x")])
            pair.server.session.submitHead(stream: stream, head, endStream: true)
        }
        let answer = pair.client.answers[stream]!
        #expect(answer.fields.map { $0.0 } == ["set-cookie", "etag"])
        #expect(answer.isClosed && answer.code == 0)
    }

    @Test func aLargeHeadOfAnUpstreamPasses() {
        let pair = H2Pair()
        let stream = pair.client.request(H2.get())
        let fields = (0..<60).map { ("X-\($0)", String(repeating: "~v", count: 500)) }
        pair.exchange { event, _ in
            if case .head(let stream, _) = event { pair.server.session.submitHead(stream: stream, responseHead(200, fields), endStream: true) }
        }
        #expect(pair.client.answers[stream]!.fields.count == 60)
        #expect(pair.client.answers[stream]!.isClosed && pair.client.answers[stream]!.code == 0)
    }

    @Test func aHeadThatCannotBeSentIsAResetNotSilence() {
        let pair = H2Pair()
        let stream = pair.client.request(H2.get())
        let fields = (0..<40).map { ("X-\($0)", String(repeating: "~", count: 10_000)) }
        pair.exchange { event, _ in
            if case .head(let stream, _) = event { pair.server.session.submitHead(stream: stream, responseHead(200, fields), endStream: true) }
        }
        #expect(pair.client.answers[stream]!.isClosed && pair.client.answers[stream]!.code == HTTP2ErrorCode.internalError)
    }

    @Test func interimResponsesComeBeforeTheFinalOne() {
        let pair = H2Pair()
        let stream = pair.client.request(H2.get())
        pair.exchange { event, _ in
            guard case .head(let stream, _) = event else { return }
            pair.server.session.submitInformational(stream: stream, status: 103)
            pair.server.session.submitInformational(stream: stream, status: 101)
            pair.server.session.submitHead(stream: stream, responseHead(204), endStream: true)
            pair.server.session.submitInformational(stream: stream, status: 103)
        }
        #expect(pair.client.answers[stream]!.informational == ["103"])
        #expect(pair.client.answers[stream]!.status == "204")
    }

    @Test func aBigUploadHoldsNoMoreThanItsWindow() {
        var limits = HTTP2Limits()
        limits.streamWindowGrown = limits.streamWindow
        let pair = H2Pair(limits)
        let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let stream = pair.client.request(H2.post([("content-length", "3000000")]), body: body)
        var received: [UInt8] = []
        var held = 0
        var ended = false
        // The application reads nothing at first.
        pair.exchange { event, input in
            if case .data(_, let offset, let count) = event {
                received += input[offset..<(offset + count)]
                held += count
            }
        }
        #expect(held == 256 << 10)
        #expect(!ended)
        while held > 0 {
            pair.server.session.consume(stream: stream, held)
            held = 0
            pair.exchange { event, input in
                switch event {
                case .data(_, let offset, let count):
                    received += input[offset..<(offset + count)]
                    held += count
                case .end(_, let trailers):
                    ended = true
                    #expect(trailers == nil)
                default: break
                }
            }
            #expect(held <= 256 << 10)
        }
        #expect(ended)
        #expect(received == body)
    }

    @Test func allUploadsTogetherHoldNoMoreThanTheConnectionsWindow() {
        let pair = H2Pair()
        for _ in 0..<8 { _ = pair.client.request(H2.post(), body: [UInt8](repeating: 1, count: 400_000)) }
        var held = 0
        pair.exchange { event, _ in
            if case .data(_, _, let count) = event { held += count }
        }
        #expect(held == 1 << 20)
    }

    @Test func aStreamThatGoesGivesItsWindowBack() {
        let pair = H2Pair()
        for _ in 0..<30 {
            let stream = pair.client.request(H2.post(), body: [UInt8](repeating: 1, count: 400_000))
            var held = 0
            pair.exchange { event, _ in
                if case .data(_, _, let count) = event { held += count }
            }
            #expect(held == 256 << 10)
            pair.server.session.reset(stream: stream, code: HTTP2ErrorCode.cancel)
            pair.exchange()
        }
    }

    @Test func consumingTooMuchOrOfNothingDoesNothing() {
        let pair = H2Pair()
        let stream = pair.client.request(H2.post(), body: [1, 2, 3])
        pair.exchange()
        pair.server.session.consume(stream: stream, 1 << 40)
        pair.server.session.consume(stream: stream, -5)
        pair.server.session.consume(stream: 77, 5)
        pair.exchange()
        #expect(pair.server.session.wantsIO.read)
    }

    @Test func aBodyShorterThanItsLengthIsReset() {
        let server = H2Server()
        let events = server.feed(H2.headers(1, H2.post([("content-length", "5")]), end: false) + H2.frame(.data, stream: 1, [1, 2]))
        #expect(events.words == ["head 1", "data 1 2"])
        #expect(server.feed(H2.frame(.data, flags: H2.endStream, stream: 1, [3])).words.allSatisfy { $0.hasPrefix("data") })
        #expect(server.resetCodes() == [HTTP2ErrorCode.protocolError])
        #expect(server.session.takeEvents().words == ["reset 1 1", "closed 1"])
    }

    @Test func aBodyLongerThanItsLengthIsReset() {
        let server = H2Server()
        server.feed(H2.headers(1, H2.post([("content-length", "2")]), end: false))
        #expect(server.feed(H2.frame(.data, stream: 1, [1, 2, 3])).isEmpty)
        #expect(server.resetCodes() == [HTTP2ErrorCode.protocolError])
        #expect(server.session.takeEvents().words == ["reset 1 1", "closed 1"])
    }

    @Test func requestTrailersArrive() {
        let pair = H2Pair()
        _ = pair.client.request(H2.post([("te", "trailers")]), body: [1, 2, 3], trailers: [("x-sum", "6")])
        var trailers: Fields?
        pair.exchange { event, _ in
            if case .end(_, let fields) = event { trailers = fields }
        }
        #expect(trailers?.text("x-sum") == "6")
    }

    @Test func trailersWithPseudoHeaderFieldsOrTooManyAreReset() {
        for trailers in [[(":path", "/")], (0..<201).map { ("x-\($0)", "1") }] {
            let server = H2Server()
            server.feed(H2.headers(1, H2.post(), end: false) + H2.frame(.data, stream: 1, [1]))
            #expect(server.feed(H2.headers(1, trailers)).isEmpty)
            #expect(server.resetCodes() == [HTTP2ErrorCode.protocolError])
            #expect(server.session.takeEvents().words == ["reset 1 1", "closed 1"])
        }
    }

    @Test func responseTrailersFollowTheBody() {
        let pair = H2Pair()
        let stream = pair.client.request(H2.get())
        pair.exchange { event, _ in
            guard case .head(let stream, _) = event else { return }
            var trailers = Fields()
            trailers.append("Grpc-Status", "0")
            pair.server.session.submitHead(stream: stream, responseHead(200), endStream: false)
            pair.server.session.send(stream: stream, [UInt8](repeating: 5, count: 40_000).span)
            pair.server.session.finish(stream: stream, trailers: trailers)
        }
        let answer = pair.client.answers[stream]!
        #expect(answer.body.count == 40_000)
        #expect(answer.trailers.map { $0.0 } == ["grpc-status"])
        #expect(answer.isClosed && answer.code == 0)
    }

    @Test func aResponseFlowsInPiecesAsTheyCome() {
        let pair = H2Pair()
        let stream = pair.client.request(H2.get())
        pair.exchange { event, _ in
            if case .head(let stream, _) = event { pair.server.session.submitHead(stream: stream, responseHead(200), endStream: false) }
        }
        #expect(pair.client.answers[stream]!.status == "200")
        for i in 1...5 {
            pair.server.session.send(stream: stream, [UInt8](repeating: UInt8(i), count: 10).span)
            pair.exchange()
            #expect(pair.client.answers[stream]!.body.count == 10 * i, "an event stream is not held back")
        }
        pair.server.session.finish(stream: stream)
        pair.exchange()
        #expect(pair.client.answers[stream]!.isClosed)
    }

    @Test func aSlowReaderIsReportedWritableAgain() {
        let pair = H2Pair(reads: false)
        let stream = pair.client.request(H2.get())
        pair.exchange { event, _ in
            if case .head(let stream, _) = event { pair.server.session.submitHead(stream: stream, responseHead(200), endStream: false) }
        }
        pair.server.session.send(stream: stream, [UInt8](repeating: 9, count: 120_000).span)
        var words: [String] = []
        pair.exchange { event, _ in words.append(event.word) }
        // The client's window of 65535 bytes is full.
        #expect(pair.server.session.queued(stream: stream) == 120_000 - 65_535)
        #expect(words.isEmpty)
        pair.client.consume(stream, 40_000)
        pair.exchange { event, _ in words.append(event.word) }
        #expect(words == ["writable \(stream)"])
        #expect(pair.server.session.queued(stream: stream) == 14_465)
    }

    @Test func aBigDownloadArrivesWhole() {
        let pair = H2Pair()
        let stream = pair.client.request(H2.get())
        let body = (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 17) }
        var sent = 0
        func more(_ stream: Int32) {
            while sent < body.count, pair.server.session.queued(stream: stream) < 64 << 10 {
                let next = min(body.count, sent + 10_000)
                pair.server.session.send(stream: stream, Array(body[sent..<next]).span)
                sent = next
            }
            if sent == body.count { pair.server.session.finish(stream: stream) }
        }
        pair.exchange { event, _ in
            switch event {
            case .head(let stream, _):
                pair.server.session.submitHead(stream: stream, responseHead(200), endStream: false)
                more(stream)
            case .writable(let stream): more(stream)
            default: break
            }
        }
        #expect(pair.client.answers[stream]!.body == body)
        #expect(pair.client.answers[stream]!.isClosed)
    }

    @Test func streamsShareTheWayOut() {
        let pair = H2Pair(reads: false)
        let a = pair.client.request(H2.get())
        let b = pair.client.request(H2.get())
        pair.exchange()
        for stream in [a, b] {
            pair.server.session.submitHead(stream: stream, responseHead(200), endStream: false)
            pair.server.session.send(stream: stream, [UInt8](repeating: 9, count: 200_000).span)
        }
        pair.exchange()
        let (first, second) = (pair.client.answers[a]!.body.count, pair.client.answers[b]!.body.count)
        #expect(first + second == 65_535)
        #expect(abs(first - second) <= 16_384, "\(first) and \(second)")
    }

    @Test func aResponseThatEndsEarlyStopsTheUpload() {
        let pair = H2Pair()
        let stream = pair.client.request(H2.post(), body: [UInt8](repeating: 1, count: 400_000))
        var words: [String] = []
        pair.exchange { event, _ in
            if !event.word.hasPrefix("data") { words.append(event.word) }
            if case .head(let stream, _) = event { pair.server.session.submitHead(stream: stream, responseHead(413), endStream: true) }
            if case .data(let stream, _, let count) = event { pair.server.session.consume(stream: stream, count) }
        }
        #expect(pair.client.answers[stream]!.status == "413")
        #expect(words == ["head \(stream)", "closed \(stream)"])
        #expect(pair.client.answers[stream]!.isClosed && pair.client.answers[stream]!.code == HTTP2ErrorCode.noError)
    }

    @Test func aCancelledRequestIsReported() {
        let pair = H2Pair()
        let stream = pair.client.request(H2.get())
        pair.exchange()
        pair.server.session.submitHead(stream: stream, responseHead(200), endStream: false)
        pair.server.session.send(stream: stream, [1, 2, 3].span)
        pair.client.reset(stream)
        var words: [String] = []
        pair.exchange { event, _ in words.append(event.word) }
        #expect(words == ["reset \(stream) 8", "closed \(stream)"])
        // Whatever is still said about it goes nowhere.
        pair.server.session.send(stream: stream, [1].span)
        pair.server.session.finish(stream: stream)
        pair.server.session.reset(stream: stream, code: 8)
        #expect(pair.server.session.queued(stream: stream) == 0)
        #expect(pair.server.session.openStreams == 0)
    }

    @Test func callsInTheWrongOrderDoNothing() {
        let server = H2Server()
        server.feed(H2.headers(1, H2.get()))
        server.session.send(stream: 1, [1].span)
        server.session.finish(stream: 1)
        #expect(server.frames().isEmpty)
        server.session.submitHead(stream: 1, responseHead(200), endStream: true)
        server.session.submitHead(stream: 1, responseHead(500), endStream: true)
        #expect(server.frames().filter { $0.type == 1 }.count == 1)
    }
}

@Suite struct HTTP2ShutdownTests {
    @Test func drainingFinishesWhatIsOpen() {
        let pair = H2Pair()
        let stream = pair.client.request(H2.get())
        pair.exchange()
        pair.server.session.drain()
        pair.exchange()
        #expect(pair.client.goAways == [0, 0], "the notice, and once it is acknowledged the last stream")
        #expect(pair.server.session.wantsIO.read)
        pair.server.session.submitHead(stream: stream, responseHead(200), endStream: true)
        pair.exchange()
        #expect(pair.client.answers[stream]!.status == "200")
        #expect(pair.server.session.wantsIO == (false, false))
    }

    @Test func aSecondDrainDoesNotWaitForTheClient() {
        let server = H2Server()
        server.session.drain()
        #expect(server.frames().filter { $0.type == 7 }.count == 1)
        server.session.drain()
        server.session.drain()
        #expect(server.frames().filter { $0.type == 7 }.count == 1)
        #expect(server.session.wantsIO == (false, false))
    }

    @Test func requestsBetweenNoticeAndGoAwayAreServed() {
        let server = H2Server()
        server.session.drain()
        _ = server.output()
        #expect(server.feed(H2.headers(1, H2.get())).words == ["head 1 end"])
        server.session.drain()
        _ = server.output()
        #expect(server.feed(H2.headers(3, H2.get())).isEmpty)
    }

    @Test func goAwayWithAnErrorEndsAtOnce() {
        let server = H2Server()
        server.feed(H2.headers(1, H2.get()))
        server.session.goAway(code: HTTP2ErrorCode.internalError)
        #expect(server.goAwayCode() == HTTP2ErrorCode.internalError)
        #expect(server.session.wantsIO == (false, false))
        #expect(throws: ProtocolFault("h2-closed")) { try server.receive(H2.headers(3, H2.get())) }
    }

    @Test func aClientThatGoesIsNoticed() {
        let server = H2Server()
        server.feed(H2.frame(.goAway, H2.word(0) + H2.word(0)))
        #expect(server.session.clientGoesAway)
    }
}
