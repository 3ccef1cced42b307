import HTTP
import Testing

/// What waits of answers whose client does not take them.
@Suite struct HTTP2AnswerQueueTests {
    private static let piece = [UInt8](repeating: 9, count: 1000)

    /// A client that asked for so many things, and lets nothing of the answers come.
    private static func stalled(_ count: Int) -> (H2Server, [Int32]) {
        var limits = HTTP2Limits()
        limits.answerQueue = 4000
        limits.answerQueues = 10_000
        let server = H2Server(limits)
        server.feed(H2.frame(.settings, [0, 4] + H2.word(0)))
        let streams = (0..<count).map { Int32(2 * $0 + 1) }
        for stream in streams {
            server.feed(H2.headers(stream, H2.get()))
            server.session.submitHead(stream: stream, responseHead(200), endStream: false)
        }
        _ = server.output()
        return (server, streams)
    }

    /// An upstream's bytes, as long as they are wanted.
    private static func fill(_ server: H2Server, _ stream: Int32) {
        while server.session.takesMore(stream: stream) { server.session.send(stream: stream, piece.span) }
    }

    @Test func manyStalledAnswersHoldLittleEach() {
        let (server, streams) = Self.stalled(50)
        for stream in streams { Self.fill(server, stream) }
        #expect(server.session.queued(stream: 1) == 4000)
        #expect(server.session.queued(stream: 99) == 1000)
        #expect(server.session.queued <= 10_000 + 50 * 1000)
        #expect(server.session.queued == streams.reduce(0) { $0 + server.session.queued(stream: $1) })
    }

    @Test func anAnswerThatIsTakenGoesOnAmongThoseThatAreNot() {
        let (server, streams) = Self.stalled(50)
        for stream in streams { Self.fill(server, stream) }
        var passed = 0
        for _ in 0..<100 {
            server.feed(H2.frame(.windowUpdate, stream: 99, H2.word(700)))
            _ = server.output()
            for case .writable(99) in server.session.takeEvents() {
                let before = server.session.queued
                Self.fill(server, 99)
                passed += server.session.queued - before
            }
        }
        #expect(passed >= 60_000)
    }

    @Test func whatIsGivenUpCountsNoMore() {
        let (server, streams) = Self.stalled(50)
        for stream in streams { Self.fill(server, stream) }
        for stream in streams[..<25] { server.session.reset(stream: stream, code: 8) }
        for stream in streams[25...] { server.feed(H2.frame(.reset, stream: stream, H2.word(8))) }
        _ = server.output()
        #expect(server.session.queued == 0 && server.session.openStreams == 0)
    }

    @Test func whereMemoryIsShortElsewhereAnAnswerGetsOnePieceAtATime() {
        let (server, _) = Self.stalled(1)
        #expect(server.session.takesMore(stream: 1, isCrowded: true))
        server.session.send(stream: 1, Self.piece.span)
        #expect(!server.session.takesMore(stream: 1, isCrowded: true) && server.session.takesMore(stream: 1))
        server.feed(H2.frame(.windowUpdate, stream: 1, H2.word(1000)))
        _ = server.output()
        #expect(server.session.takeEvents().contains { if case .writable(1) = $0 { true } else { false } })
        #expect(server.session.takesMore(stream: 1, isCrowded: true))
    }
}
