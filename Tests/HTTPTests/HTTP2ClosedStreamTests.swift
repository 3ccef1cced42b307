import HTTP
import Testing

@testable import HTTP

/// RFC 9113 section 5.1: frames for streams that are over.
@Suite struct HTTP2ClosedStreamTests {
    /// A server that has served stream 1 to its end.
    private func served() -> H2Server {
        let server = H2Server()
        server.feed(H2.headers(1, H2.get()))
        server.session.submitHead(stream: 1, responseHead(204), endStream: true)
        _ = server.output()
        #expect(server.session.openStreams == 0)
        return server
    }

    @Test func dataForAStreamThatTheClientEndedEndsTheConnection() {
        let server = served()
        #expect(throws: ProtocolFault("h2-stream-closed")) { try server.receive(H2.frame(.data, flags: H2.endStream, stream: 1, [1])) }
        #expect(server.goAwayCode() == HTTP2ErrorCode.streamClosed)
    }

    @Test func headersForAStreamThatTheClientEndedEndTheConnection() {
        let server = served()
        #expect(throws: ProtocolFault("h2-stream-closed")) { try server.receive(H2.headers(1, H2.get())) }
        #expect(server.goAwayCode() == HTTP2ErrorCode.streamClosed)
    }

    @Test func afterItsOwnResetAClientSaysNoMore() {
        let server = H2Server()
        server.feed(H2.headers(1, H2.post(), end: false))
        #expect(throws: ProtocolFault("h2-stream-closed")) {
            try server.receive(H2.frame(.reset, stream: 1, H2.word(8)) + H2.frame(.data, stream: 1, [1]))
        }
    }

    @Test func aLowerNumberThatWasLeftOutIsAnError() {
        let server = H2Server()
        server.feed(H2.headers(5, H2.get()))
        #expect(throws: ProtocolFault("h2-stream-number")) { try server.receive(H2.headers(3, H2.get())) }
        #expect(server.goAwayCode() == HTTP2ErrorCode.protocolError)
    }

    @Test func whatWasOnItsWayToAStreamThatWeCutIsIgnored() {
        let server = H2Server()
        server.feed(H2.headers(1, H2.post(), end: false))
        server.session.reset(stream: 1, code: HTTP2ErrorCode.cancel)
        _ = server.output()
        server.feed(H2.frame(.data, stream: 1, [1, 2, 3]) + H2.split(1, H2.block([("x-trailer", "1")]), end: true) + H2.headers(3, H2.get()))
        #expect(server.session.openStreams == 1 && server.session.wantsIO.read)
    }

    @Test func whatWasOnItsWayToAMalformedRequestIsIgnored() {
        let server = H2Server()
        server.feed(H2.headers(1, H2.post([("te", "gzip")]), end: false))
        #expect(server.resetCodes() == [HTTP2ErrorCode.protocolError])
        server.feed(H2.frame(.data, flags: H2.endStream, stream: 1, [1, 2, 3]))
        #expect(server.session.wantsIO.read)
    }

    @Test func whatWasOnItsWayToARefusedStreamIsIgnored() {
        var limits = HTTP2Limits()
        limits.concurrentStreams = 1
        let server = H2Server(limits)
        server.feed(H2.headers(1, H2.post(), end: false))
        server.feed(H2.headers(3, H2.post(), end: false) + H2.frame(.data, flags: H2.endStream, stream: 3, [1]))
        #expect(server.resetCodes() == [HTTP2ErrorCode.refusedStream])
        #expect(server.session.wantsIO.read)
    }

    @Test func priorityOfTheOldKindIsStillChecked() {
        let idle = H2Server()
        #expect(throws: ProtocolFault("h2-priority")) { try idle.receive(H2.frame(.priority, stream: 0, [0, 0, 0, 1, 1])) }
        let own = H2Server()
        own.feed(H2.headers(1, H2.post(), end: false))
        own.feed(H2.frame(.priority, stream: 1, [0x80, 0, 0, 1, 1]))
        #expect(own.resetCodes() == [HTTP2ErrorCode.protocolError])
        #expect(own.session.wantsIO.read)
    }

    @Test func theHistoryForgetsTheOldestFirst() {
        var history = HTTP2StreamHistory()
        for stream in stride(from: Int32(1), through: 999, by: 2) {
            history.opened(stream)
            history.wasCut(stream)
        }
        #expect(history.last == 999)
        #expect(history.judge(999) == .ordinary && history.judge(999 - 2 * 127) == .ordinary)
        #expect(history.judge(999 - 2 * 128) == .closed)
        history.opened(1003)
        #expect(history.judge(1001) == .unexpected)
    }
}

@Suite struct HTTP2FrameScannerTests {
    typealias Frame = HTTP2FrameScanner.Frame

    private func scan(_ pieces: [[UInt8]]) -> [(Frame, Int)] {
        var scanner = HTTP2FrameScanner()
        var found: [(Frame, Int)] = []
        var base = 0
        for piece in pieces {
            var position = 0
            while let (frame, at) = scanner.next(piece.span, &position) { found.append((frame, base + at)) }
            #expect(position == piece.count)
            base += piece.count
        }
        return found
    }

    static let bytes = H2.preface + H2.frame(.settings, [0, 4, 0, 0, 0, 1]) + H2.frame(.data, flags: H2.padded, stream: 1, [2, 7, 0, 0])
        + H2.frame(.priority, stream: 3, [0x80, 0, 0, 3, 9]) + H2.frame(.data, stream: 5) + H2.frame(.priority, stream: 7, [1, 2])
        + H2.frame(.ping, flags: H2.ack, [1, 2, 3, 4, 5, 6, 7, 8])

    @Test func framesAreFoundWhereTheyBegin() {
        let found = scan([Self.bytes])
        #expect(found.map(\.0.type) == [4, 0, 2, 0, 2, 6])
        #expect(found.map(\.1) == [24, 39, 52, 66, 75, 86])
        #expect(found.map(\.0.stream) == [0, 1, 3, 5, 7, 0])
        #expect(found[2].0.dependency == 3)
        #expect(found.map(\.0.budget) == [.settings, nil, .priority, .emptyData, .priority, .unknown])
    }

    @Test(arguments: 1...40) func howTheBytesAreCutDoesNotMatter(size: Int) {
        let pieces = stride(from: 0, to: Self.bytes.count, by: size).map { Array(Self.bytes[$0..<min($0 + size, Self.bytes.count)]) }
        let (whole, cut) = (scan([Self.bytes]), scan(pieces))
        #expect(whole.map(\.0) == cut.map(\.0))
        #expect(whole.map(\.1) == cut.map(\.1))
    }

    @Test func paddingAloneIsNoData() {
        func budget(_ flags: UInt8, _ payload: [UInt8]) -> HTTP2FrameBudget.Kind? {
            scan([H2.preface + H2.frame(.data, flags: flags, stream: 1, payload)]).first?.0.budget ?? nil
        }
        #expect(budget(0, []) == .emptyData && budget(H2.endStream, []) == nil && budget(0, [1]) == nil)
        #expect(budget(H2.padded, [2, 0, 0]) == .emptyData && budget(H2.padded, [0]) == .emptyData && budget(H2.padded, [1, 9, 0]) == nil)
        #expect(budget(H2.padded | H2.endStream, [2, 0, 0]) == nil)
    }
}
