import HTTP
import Testing

@Suite struct ResponseParserTests {
    private func read(_ text: String, to methods: [HTTP.Method] = [.get], upgrade: Bool = false) -> [ParserTrace.Item] {
        let bytes = text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        #expect(Checks.responses(bytes) == nil)
        return responseTrace(bytes, to: methods, upgrade: upgrade).items
    }

    @Test func anOrdinaryResponseIsTakenApart() {
        #expect(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello") == [
            .head("200 http11 exactly(5) keep [Content-Length=5|X-A=b]"), .body(Array("hello".utf8)), .end(trailers: ""),
        ])
    }

    @Test(arguments: ["HTTP/1.1 404", "HTTP/1.1 404 ", "HTTP/1.1 404 N\u{f6}t Found (really)"]) func aReasonMayBeMissing(_ line: String) {
        #expect(read(line + "\r\nContent-Length: 0\r\n\r\n") == [.head("404 http11 none keep [Content-Length=0]"), .end(trailers: "")])
    }

    @Test func responsesComeInTurn() {
        let items = read(
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\nHTTP/1.1 204 No\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nT: u\r\n\r\n",
            to: [.head, .get, .delete, .get])
        #expect(items == [
            .head("200 http11 none keep [Content-Length=9]"), .end(trailers: ""), .head("304 http11 none keep [Content-Length=9]"), .end(trailers: ""),
            .head("204 http11 none keep []"), .end(trailers: ""), .head("200 http11 chunked keep [Transfer-Encoding=chunked]"), .body([0x78]), .end(trailers: "T=u"),
        ])
    }

    @Test func withoutALengthTheBodyEndsWithTheConnection() {
        #expect(read("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n") == [
            .head("200 http11 untilEnd []"), .body(Array("HTTP/1.1 200 OK\r\n\r\n".utf8)), .end(trailers: "closed"),
        ])
        #expect(read("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n").first == .head("200 http10 none keep [Connection=keep-alive|Content-Length=0]"))
    }

    @Test func interimResponsesComeBeforeTheFinalOne() {
        #expect(read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx") == [
            .head("100 http11 none keep []"), .head("103 http11 none keep [Link=x]"), .head("200 http11 exactly(1) keep [Content-Length=1]"), .body([0x78]),
            .end(trailers: ""),
        ])
    }

    @Test func afterSwitchingProtocolsEverythingIsBody() {
        #expect(read("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n\u{81}\u{0}", upgrade: true) == [
            .head("101 http11 untilEnd [Upgrade=websocket|Connection=upgrade]"), .body([0x81, 0]), .end(trailers: "closed"),
        ])
    }

    static let broken: [(String, String)] = [
        ("T-57 both framings", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("T-57 two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc"),
        ("T-57 a list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc"),
        ("T-57 stray bytes", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd"), ("T-57 a second answer", "HTTP/1.1 204 No\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"),
        ("T-57 cut off", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc"), ("T-57 cut off", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabc"),
        ("T-57 cut off", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"), ("T-57 cut off", "HTTP/1.1 200 OK\r\nX: "), ("T-57 nothing", ""),
        ("T-57 HTTP/0.9", "<html>hello</html>"), ("T-57 HTTP/0.9", "<html>\r\nhello</html>\r\n\r\n"),
        ("T-57 flood of 1xx", String(repeating: "HTTP/1.1 102 Processing\r\n\r\n", count: 17) + "HTTP/1.1 204 No\r\n\r\n"),
        ("T-57 101 unasked", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"),
        ("status", "HTTP/1.1 099 x\r\n\r\n"), ("status", "HTTP/1.1 20 OK\r\n\r\n"), ("status", "HTTP/1.1 2000 OK\r\n\r\n"), ("status", "HTTP/1.1 +20 OK\r\n\r\n"),
        ("status", "HTTP/1.1 200OK\r\n\r\n"), ("status", "HTTP/1.1  200 OK\r\n\r\n"), ("version", "HTTP/2.0 200 OK\r\n\r\n"), ("version", "http/1.1 200 OK\r\n\r\n"),
        ("version", "ICY 200 OK\r\n\r\n"), ("bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"), ("bare LF", "HTTP/1.1 200 OK\r\nX: y\n\r\n"),
        ("bare CR", "HTTP/1.1 200 OK\r\nX: y\rZ: a\r\n\r\n"), ("empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n"), ("fold", "HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n"),
        ("no colon", "HTTP/1.1 200 OK\r\nX\r\n\r\n"), ("blank before colon", "HTTP/1.1 200 OK\r\nX : y\r\n\r\n"), ("empty name", "HTTP/1.1 200 OK\r\n: y\r\n\r\n"),
        ("NUL", "HTTP/1.1 200 OK\r\nX: \0\r\n\r\n"), ("coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
        ("coding", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), ("chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"),
        ("chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\n"), ("fields", "HTTP/1.1 200 OK\r\n" + String(repeating: "a:\r\n", count: 501) + "\r\n"),
        ("head", "HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 66_000)),
    ]

    @Test(arguments: broken) func aBrokenResponseIsABadGateway(_ what: String, _ text: String) {
        guard case .fault(_, let status) = read(text).last else {
            Issue.record("\(what) was accepted")
            return
        }
        #expect(status == 502)
    }

    @Test func whoAnnouncesABodyWhereThereIsNoneIsNotAskedAgain() {
        #expect(read("HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\n").first == .head("204 http11 none [Content-Length=3]"))
    }
}
