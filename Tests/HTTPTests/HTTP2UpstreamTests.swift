import Bytes
import Testing

@testable import HTTP

/// The session with an upstream, against frames made by hand.
@Suite struct HTTP2UpstreamTests {
    private let session = HTTP2UpstreamSession()

    private func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8] = []) -> [UInt8] {
        [UInt8(payload.count >> 16), UInt8(payload.count >> 8 & 255), UInt8(payload.count & 255), type, flags,
         UInt8(stream >> 24), UInt8(stream >> 16 & 255), UInt8(stream >> 8 & 255), UInt8(stream & 255)] + payload
    }

    private func literal(_ name: String, _ value: String) -> [UInt8] { [0, UInt8(name.utf8.count)] + name.utf8 + [UInt8(value.utf8.count)] + value.utf8 }

    private func out() -> [UInt8] {
        var queue = ByteQueue()
        session.fillOutput(&queue, limit: 1 << 20)
        let span = queue.bytes
        return (0..<span.count).map { span[$0] }
    }

    private func hear(_ bytes: [UInt8]) -> [HTTP2UpstreamEvent] {
        _ = session.receive(bytes.span)
        _ = out()
        var events: [HTTP2UpstreamEvent] = []
        session.takeEvents(&events)
        return events
    }

    private func greet(_ settings: [UInt8] = []) -> [HTTP2UpstreamEvent] { hear(frame(4, 0, 0, settings)) }

    private func ask(_ head: String = "GET /a HTTP/1.1\r\nHost: wiki.test\r\nConnection: TE\r\nTE: trailers\r\nX-A: b\r\n\r\n", endStream: Bool = true) -> Int32 {
        var written = ByteQueue()
        written.append(head)
        var lines = HTTP1RequestLines()
        lines.read(written, isWebSocket: false)
        return session.submit(lines, scheme: "http", endStream: endStream, forbidsBody: false) ?? 0
    }

    private func names(_ events: [HTTP2UpstreamEvent]) -> [String] {
        events.map { event in
            switch event {
            case .ready: "ready"
            case .head(let id, let head): "head \(id) \(head.status) \(head.body)"
            case .data(let id, _, let count): "data \(id) \(count)"
            case .end(let id, let trailers): "end \(id) \(trailers.entries.count)"
            case .writable(let id): "writable \(id)"
            case .closed(let id, let isUnprocessed): "closed \(id)" + (isUnprocessed ? " unprocessed" : "")
            }
        }
    }

    @Test func itIsReadyWithTheUpstreamsSettings() {
        #expect(names(greet([0, 3, 0, 0, 0, 7])) == ["ready"])
        #expect(session.concurrentStreams == 7)
        #expect(names(greet()) == [])
    }

    @Test func aHeadOfHTTP1BecomesOneOfHTTP2() {
        var written = ByteQueue()
        written.append("POST /a?b HTTP/1.1\r\nHost: wiki.test:1\r\nConnection: TE\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nCookie: a=b\r\nX-Empty: \r\n\r\n")
        var lines = HTTP1RequestLines()
        lines.read(written, isWebSocket: false)
        func text(_ range: Range<Int>) -> String { String(decoding: lines.text[range], as: UTF8.self) }
        #expect(text(lines.method) == "POST" && text(lines.target) == "/a?b" && text(lines.authority) == "wiki.test:1")
        #expect(lines.fields.map { text($0.name) + "=" + text($0.value) } == ["TE=trailers", "Cookie=a=b", "X-Empty="])
        #expect(lines.fields.map(\.isSecret) == [false, true, false])
    }

    @Test func anAnswerThatEndsInTheSameBreathIsWhole() {
        _ = greet()
        let id = ask()
        _ = out()
        let events = hear(frame(1, 4, UInt32(id), literal(":status", "404") + literal("content-length", "2")) + frame(0, 1, UInt32(id), [1, 2]))
        #expect(names(events) == ["head \(id) 404 exactly(2)", "data \(id) 2", "end \(id) 0", "closed \(id)"])
    }

    @Test func interimAnswersHeadAndTrailersAreToldApart() {
        _ = greet()
        let id = ask()
        _ = out()
        let events = hear(
            frame(1, 4, UInt32(id), literal(":status", "103")) + frame(1, 4, UInt32(id), literal(":status", "200"))
                + frame(1, 5, UInt32(id), literal("grpc-status", "0")))
        #expect(names(events) == ["head \(id) 103 untilEnd", "head \(id) 200 untilEnd", "end \(id) 1", "closed \(id)"])
    }

    @Test func aBodyThatIsNotAsLongAsItSaysNeverEnds() {
        _ = greet()
        for body in [[UInt8](repeating: 0, count: 1), [UInt8](repeating: 0, count: 3)] {
            let id = ask()
            _ = out()
            let events = names(hear(frame(1, 4, UInt32(id), literal(":status", "200") + literal("content-length", "2")) + frame(0, 1, UInt32(id), body)))
            #expect(!events.contains { $0.hasPrefix("end") } && events.last == "closed \(id)")
        }
    }

    @Test func aRefusedStreamAndOneAboveGoawayWereNotProcessed() {
        _ = greet()
        let (first, second, third) = (ask(), ask(), ask())
        _ = out()
        #expect(names(hear(frame(3, 0, UInt32(first), [0, 0, 0, 7]))) == ["closed \(first) unprocessed"])
        let last = UInt8(second)
        #expect(names(hear(frame(7, 0, 0, [0, 0, 0, last, 0, 0, 0, 0]))) == ["closed \(third) unprocessed"])
        #expect(session.goesAway && ask() == 0)
        #expect(names(hear(frame(3, 0, UInt32(second), [0, 0, 0, 2]))) == ["closed \(second)"])
    }

    @Test func aFullQueueIsReportedWhenItHasDrained() {
        _ = greet()
        let id = ask("POST / HTTP/1.1\r\nHost: a\r\n\r\n", endStream: false)
        session.send(stream: id, [UInt8](repeating: 1, count: 60_000).span)
        #expect(session.queued(stream: id) == 60_000)
        _ = out()
        #expect(session.queued(stream: id) == 0)
        var events: [HTTP2UpstreamEvent] = []
        session.takeEvents(&events)
        #expect(names(events) == ["writable \(id)"])
        // The window of 65,535 bytes is all but used up.
        session.send(stream: id, [UInt8](repeating: 1, count: 60_000).span)
        _ = out()
        #expect(session.queued(stream: id) == 120_000 - 65_535)
    }

    @Test func whatIsNoHTTP2EndsTheSession() {
        let isWell = session.receive(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8).span)
        // The GOAWAY goes out first.
        _ = out()
        #expect(!isWell || session.isOver)
    }

    @Test func aResetStreamIsNotHeardOfAgain() {
        _ = greet()
        let id = ask()
        _ = out()
        session.reset(stream: id, code: HTTP2ErrorCode.cancel)
        #expect(names(hear(frame(1, 4, UInt32(id), literal(":status", "200")) + frame(0, 1, UInt32(id), [1]))) == [])
    }
}
