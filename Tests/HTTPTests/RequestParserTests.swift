import HTTP
import Testing

@Suite struct RequestParserTests {
    /// The trace of bytes that are read without a fault, checked at every way of arriving.
    private func read(_ text: String) -> [ParserTrace.Item] {
        let bytes = Array(text.utf8)
        #expect(Checks.requests(bytes) == nil)
        return requestTrace(bytes).items
    }

    private func head(_ text: String) throws -> RequestHead {
        let bytes = Array(text.utf8)
        var parser = RequestParser()
        let event = try parser.next(bytes.span)
        #expect(event == .head(consumed: bytes.count))
        return parser.head
    }

    @Test func anOrdinaryRequestIsTakenApart() throws {
        let head = try head("GET /a/b?c=d HTTP/1.1\r\nHost: A.test:8443\r\nX-One:  two words\t \r\nAccept:\r\ncookie: a=b\r\n\r\n")
        #expect(head.method == .get && head.version == .http11 && head.body == .none && head.keepAlive)
        #expect(String(decoding: head.fields.arena[head.methodBytes], as: UTF8.self) == "GET")
        #expect(String(decoding: head.fields.arena[head.target], as: UTF8.self) == "/a/b?c=d")
        #expect(String(decoding: head.fields.arena[head.authority], as: UTF8.self) == "A.test:8443")
        #expect(head.fields.text("x-one") == "two words")
        #expect(head.fields.text(.accept) == "")
        #expect(head.fields.entries.map(\.known) == [.host, .other, .accept, .cookie])
    }

    @Test func pipelinedRequestsComeOneAfterTheOther() {
        let items = read("\r\nPOST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.0\r\n\r\n")
        #expect(items == [
            .head("post POST /1 a http11 exactly(5) keep [Host=a|Content-Length=5]"), .body(Array("hello".utf8)), .end(trailers: ""),
            .head("get GET /2 a http11 none keep [Host=a]"), .end(trailers: ""),
            .head("get GET /3  http10 none []"), .end(trailers: ""),
        ])
    }

    @Test("T-53: a GET keeps its body, and what follows is the next request") func aBodyOfAGetIsRead() {
        let items = read("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 28\r\n\r\nGET /admin HTTP/1.1\r\nHost: a\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(items.count == 5)
        #expect(items[1] == .body(Array("GET /admin HTTP/1.1\r\nHost: a".utf8)))
        #expect(items[3] == .head("get GET /2 a http11 none keep [Host=a]"))
    }

    @Test func chunksAreJoinedAndTrailersKeptApart() {
        let items = read("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n"
            + "5\r\nhello\r\n00A;x;y=z;q=\"a\\\"; b\"\r\n, universe\r\n000\r\nX-Sum: 1\r\nY: \u{fc}\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(items == [
            .head("post POST / a http11 chunked keep [Host=a|Transfer-Encoding=CHUNKED]"), .body(Array("hello, universe".utf8)),
            .end(trailers: "X-Sum=1|Y=\u{fc}"), .head("get GET / a http11 none keep [Host=a]"), .end(trailers: ""),
        ])
    }

    @Test("T-45: two equal lengths are one") func equalLengthsAreMerged() throws {
        let head = try head("POST / HTTP/1.1\r\nContent-Length: 5\r\nHost: a\r\ncontent-length: 5\r\n\r\n")
        #expect(head.body == .exactly(5))
        #expect(head.fields.count(.contentLength) == 1)
    }

    @Test("T-50: obs-text passes in values") func highBytesPassInValues() {
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\nX: ".utf8) + [0x80, 0xFF] + Array("\r\n\r\n".utf8)
        var parser = RequestParser()
        #expect(throws: Never.self) { try parser.next(bytes.span) }
        #expect(parser.head.fields.entries.last.map { Array(parser.head.fields.value($0)) } == [0x80, 0xFF])
    }

    @Test("T-34: an absolute form is taken apart", arguments: [
        ("GET http://app.test/x?y", "app.test", "/x?y", "app.test"), ("GET HTTPS://App.Test:443", "app.test", "/", "App.Test:443"),
        ("GET https://app.test?q", "app.test:443", "/?q", "app.test"), ("OPTIONS http://app.test", "app.test:80", "*", "app.test"),
        ("OPTIONS http://app.test/", "app.test", "/", "app.test"), ("OPTIONS *", "app.test", "*", "app.test"), ("GET https://[::1]:8/x", "[::1]:8", "/x", "[::1]:8"),
        ("GET http://app.test/admin", "public.test", "/admin", "app.test"),
    ]) func anAbsoluteFormIsTakenApart(_ line: String, _ host: String, _ target: String, _ authority: String) throws {
        let head = try head("\(line) HTTP/1.1\r\nHost: \(host)\r\nX: y\r\n\r\n")
        #expect(String(decoding: head.fields.arena[head.target], as: UTF8.self) == target)
        #expect(String(decoding: head.fields.arena[head.authority], as: UTF8.self) == authority)
        #expect(head.fields.text("x") == "y")
    }

    @Test(arguments: [
        ("HTTP/1.1", "", true), ("HTTP/1.1", "Connection: close\r\n", false), ("HTTP/1.1", "Connection: Keep-Alive, CLOSE\r\n", false),
        ("HTTP/1.0", "", false), ("HTTP/1.0", "Connection: keep-alive\r\n", true), ("HTTP/1.0", "Connection: keep-alive\r\nConnection: close\r\n", false),
    ]) func persistenceFollowsVersionAndConnection(_ version: String, _ fields: String, _ keeps: Bool) throws {
        #expect(try head("GET / \(version)\r\nHost: a\r\n\(fields)\r\n").keepAlive == keeps)
    }

    @Test func continueIsExpectedOnlyWithABodyAndInHTTP11() throws {
        #expect(try head("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n").expectsContinue)
        #expect(try !head("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n").expectsContinue)
        #expect(try !head("POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n").expectsContinue)
    }

    static let handshake = "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"

    @Test func aWebSocketHandshakeIsKnown() throws {
        let head = try head("GET /ws HTTP/1.1\r\nHost: a\r\n\(Self.handshake)\r\n")
        #expect(head.isWebSocket && head.hasUpgrade)
        #expect(try self.head("GET /ws HTTP/1.1\r\nHost: a\r\n\(Self.handshake)Content-Length: 0\r\n\r\n").isWebSocket)
    }

    @Test("T-58, T-60: what is no handshake to the letter stays an ordinary request", arguments: [
        ("GET / HTTP/1.0", handshake), ("POST / HTTP/1.1", handshake), ("GET / HTTP/1.1", handshake + "Content-Length: 5\r\n"),
        ("GET / HTTP/1.1", handshake + "Transfer-Encoding: chunked\r\n"), ("GET / HTTP/1.1", handshake + "Upgrade: h2c\r\n"),
        ("GET / HTTP/1.1", handshake + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
        ("GET / HTTP/1.1", handshake.replacing("keep-alive, Upgrade", with: "keep-alive")), ("GET / HTTP/1.1", handshake.replacing(": WebSocket", with: ": websocket, h2c")),
        ("GET / HTTP/1.1", handshake.replacing("Q==", with: "==")), ("GET / HTTP/1.1", handshake.replacing("Q==", with: "QAA")),
        ("GET / HTTP/1.1", handshake.replacing("Version: 13", with: "V: 13")),
        ("GET / HTTP/1.1", "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: Upgrade, HTTP2-Settings\r\n"),
    ]) func whatIsNoHandshakeStaysAnOrdinaryRequest(_ line: String, _ fields: String) throws {
        let head = try head("\(line)\r\nHost: a\r\n\(fields)\r\n")
        #expect(!head.isWebSocket && head.hasUpgrade)
    }

    @Test func anUnfinishedHeadPointsNowhere() throws {
        let bytes = Array("GET /path HTTP/1.1\r\nHost: a\r\nX: y\r\nbad".utf8)
        var parser = RequestParser()
        let event = try parser.next(bytes.span)
        #expect(event == .needMore)
        #expect(parser.head.target.isEmpty && parser.head.fields.entries.isEmpty && parser.head.fields.arena.isEmpty)
    }

    @Test(arguments: ["", "\r\n"]) func afterAFaultTheHeadHoldsWhatWasUnderstood(_ lead: String) {
        let bytes = Array((lead + "PUT https://a?path HTTP/1.1\r\nHost: a\r\nUser-Agent: y\r\nbad\r\n").utf8)
        var parser = RequestParser()
        #expect(throws: ProtocolFault("field-without-colon")) { try parser.next(bytes.span) }
        #expect(parser.head.method == .put && parser.head.fields.text(.userAgent) == "y" && parser.head.authority.isEmpty)
        #expect(String(decoding: parser.head.fields.arena[parser.head.target], as: UTF8.self) == "/?path")
    }

    @Test func aForbiddenMethodIsKnownForTheRecords() {
        let bytes = Array("CONNECT a:443 HTTP/1.1\r\n".utf8)
        var parser = RequestParser()
        #expect(throws: ProtocolFault("method-not-allowed", status: 405)) { try parser.next(bytes.span) }
        #expect(parser.head.method == .connect)
    }

    @Test func theEndNeedsNoFurtherBytes() throws {
        let bytes = Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab".utf8)
        var parser = RequestParser()
        let head = try parser.next(bytes.span)
        #expect(!parser.isAtEnd)
        _ = try parser.next(bytes.span.extracting(head.consumed...))
        #expect(parser.isAtEnd)
        let end = try parser.next(bytes.span.extracting(0..<0))
        #expect(end == .end(consumed: 0) && !parser.isAtEnd)
    }

    @Test func idleMeansThatNoRequestHasBegun() throws {
        var parser = RequestParser()
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        #expect(parser.isIdle)
        _ = try parser.next(bytes.span.extracting(0..<3))
        #expect(!parser.isIdle)
        _ = try parser.next(bytes.span)
        #expect(!parser.isIdle)
        _ = try parser.next(bytes.span.extracting(0..<0))
        #expect(parser.isIdle)
        parser.release()
        #expect(parser.head.fields.arena.capacity == 0)
    }
}

@Suite struct RequestLimitTests {
    private func fault(_ text: String) -> ParserTrace.Item? {
        let trace = requestTrace(Array(text.utf8))
        return trace.items.last
    }

    private func request(fields: String, target: String = "/") -> String { "GET \(target) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n" }

    @Test func twoHundredFieldsPassAndOneMoreDoesNot() {
        let lines = { (count: Int) in String(repeating: "a:\r\n", count: count) }
        #expect(fault(request(fields: lines(199))) == .end(trailers: ""))
        #expect(fault(request(fields: lines(200))) == .fault("too-many-fields", 431))
    }

    @Test func aHeadOfThirtyTwoKiBPassesAndOneByteMoreDoesNot() {
        let room = (32 << 10) - request(fields: "a:\r\n").utf8.count
        #expect(fault(request(fields: "a:" + String(repeating: "x", count: room) + "\r\n")) == .end(trailers: ""))
        #expect(fault("\r\n" + request(fields: "a:" + String(repeating: "x", count: room) + "\r\n")) == .end(trailers: ""))
        #expect(fault(request(fields: "a:" + String(repeating: "x", count: room + 1) + "\r\n")) == .fault("head-too-large", 431))
        #expect(fault("GET / HTTP/1.1\r\nHost: a\r\nx: " + String(repeating: "x", count: 40_000)) == .fault("head-too-large", 431))
    }

    @Test func aTargetOfSixteenKiBPassesAndOneByteMoreDoesNot() {
        #expect(fault(request(fields: "", target: "/" + String(repeating: "x", count: (16 << 10) - 1))) == .end(trailers: ""))
        #expect(fault(request(fields: "", target: "/" + String(repeating: "x", count: 16 << 10))) == .fault("long-target", 414))
        #expect(fault("GET /" + String(repeating: "x", count: 17 << 10)) == .fault("long-target", 414))
        #expect(fault(String(repeating: "x", count: 17 << 10)) == .fault("method", 400))
    }

    @Test func trailersAreBounded() {
        let post = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
        #expect(fault(post + String(repeating: "a:\r\n", count: 64) + "\r\n") == .end(trailers: Array(repeating: "a=", count: 64).joined(separator: "|")))
        #expect(fault(post + String(repeating: "a:\r\n", count: 65)) == .fault("too-many-trailers", 431))
        #expect(fault(post + "a:" + String(repeating: "x", count: 9 << 10)) == .fault("trailers-too-large", 431))
    }

    @Test func chunkExtensionsAreBoundedOverTheWholeMessage() {
        let chunk = "1;" + String(repeating: "a", count: 200) + "\r\nx\r\n"
        let post = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(fault(post + String(repeating: chunk, count: 100)) == .fault("chunk-extension-size", 400))
    }

    @Test func bytesThatComeOneByOneAreLookedAtOnce() throws {
        var bytes = Array(request(fields: "x: " + String(repeating: "v", count: 20_000)).utf8)
        var parser = RequestParser()
        for end in 1...bytes.count - 4 {
            let event = try parser.next(bytes.span.extracting(0..<end))
            #expect(event == .needMore)
            // A second look at this byte would be a fault.
            if end > 30 { bytes[end - 1] = 0 }
        }
    }
}
