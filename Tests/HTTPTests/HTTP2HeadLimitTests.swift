import HTTP
import Testing

@Suite struct HTTP2HeadLimitTests {
    @Test func twoHundredFieldsPassAndOneMoreIs431() {
        let server = H2Server()
        let crumbs = (0..<200).map { ("cookie", "c\($0)=1") }
        #expect(server.feed(H2.headers(1, H2.get("/", crumbs))).words == ["head 1 end"])
        #expect(server.feed(H2.headers(3, H2.get("/", crumbs + [("x", "y")]))).words == ["fault 3 431"])
    }

    @Test func aBrowserWithManyCookiesPasses() {
        let server = H2Server()
        let fields = (0..<60).map { ("cookie", "crumb\($0)=" + String(repeating: "v", count: 200)) } + (0..<30).map { ("x-\($0)", "value") }
        #expect(server.feed(H2.headers(1, H2.get("/", fields))).words == ["head 1 end"])
    }

    @Test func moreThanThirtyTwoKibibytesAre431() {
        let server = H2Server()
        let big = (0..<4).map { ("x-\($0)", String(repeating: "v", count: 8000)) }
        #expect(server.feed(H2.headers(1, H2.get("/", big))).words == ["head 1 end"])
        #expect(server.feed(H2.headers(3, H2.get("/", big + [("y", String(repeating: "v", count: 1000))]))).words == ["fault 3 431"])
        server.session.submitHead(stream: 3, responseHead(431), endStream: true)
        #expect(server.frames().contains { $0.type == 1 && $0.stream == 3 })
        #expect(server.feed(H2.headers(5, H2.get())).words == ["closed 3", "head 5 end"])
    }

    @Test func aTargetOfMoreThanSixteenKibibytesIs414() {
        let server = H2Server()
        #expect(server.feed(H2.headers(1, H2.get("/" + String(repeating: "a", count: (16 << 10) - 1)))).words == ["head 1 end"])
        #expect(server.feed(H2.headers(3, H2.get("/" + String(repeating: "a", count: 16 << 10)))).words == ["fault 3 414"])
        #expect(server.feed(H2.headers(5, H2.get("/" + String(repeating: "a", count: 40 << 10)))).words == ["fault 5 414"])
    }

    @Test func theBodyOfARefusedRequestIsNotDelivered() {
        var limits = HTTP2Limits()
        limits.unwantedBody = 20_000
        let server = H2Server(limits)
        let fields = H2.post((0..<201).map { ("x-\($0)", "1") })
        var events = server.feed(H2.headers(1, fields, end: false) + H2.frame(.data, stream: 1, [1, 2, 3]))
        #expect(events.words == ["fault 1 431"])
        server.session.submitHead(stream: 1, responseHead(431), endStream: true)
        #expect(server.resetCodes() == [], "an answer that a reset follows at once is lost on curl")
        let more = (0..<2).flatMap { _ in H2.frame(.data, stream: 1, [UInt8](repeating: 1, count: 16 << 10)) }
        events = server.feed(more)
        #expect(server.resetCodes() == [HTTP2ErrorCode.noError], "the client is told to stop sending")
        events += server.session.takeEvents()
        #expect(events.words == ["closed 1"])
    }

    @Test func referencesOfOneByteEndTheConnection() {
        // One entry in HPACK's table, then thousands of references to it.
        let server = H2Server()
        let entry: [UInt8] = [0x40, 1, 0x78, 1, 0x79]
        let block = H2.block(H2.get()) + entry + [UInt8](repeating: 0xBE, count: 16000)
        #expect(throws: ProtocolFault("h2-huge-head", status: 431)) { try server.receive(H2.split(1, block, end: true)) }
        #expect(server.goAwayCode() == HTTP2ErrorCode.enhanceYourCalm)
        #expect(!server.session.wantsIO.read)
    }

    @Test func manyEmptyContinuationsEndTheConnection() {
        let server = H2Server()
        let flood = H2.frame(.headers, stream: 1, H2.block(H2.get()))
            + (0..<20).flatMap { _ in H2.frame(.continuation, stream: 1) }
        #expect(throws: ProtocolFault.self) { try server.receive(flood) }
        #expect(server.goAwayCode() == HTTP2ErrorCode.enhanceYourCalm)
    }

    @Test func aFewContinuationsAreFine() {
        let server = H2Server()
        #expect(server.feed(H2.split(1, H2.block(H2.get("/", [("x", "y")])), end: true, piece: 10)).words == ["head 1 end"])
    }
}
