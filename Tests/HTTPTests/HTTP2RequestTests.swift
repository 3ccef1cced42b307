import HTTP
import Testing

@Suite struct HTTP2RequestTests {
    @Test func aRequestBecomesAHead() {
        let server = H2Server()
        let events = server.feed(H2.headers(1, H2.get("/a?b=1", [("accept", "text/html"), ("cookie", "a=1"), ("cookie", "b=2")])))
        #expect(events.words == ["head 1 end"])
        let head = server.head(1)
        #expect(head.version == .http2)
        #expect(head.method == .get)
        #expect(head.text(head.methodBytes) == "GET")
        #expect(head.text(head.target) == "/a?b=1")
        #expect(head.text(head.authority) == "app.test")
        #expect(head.body == BodyLength.none)
        #expect(head.fields.entries.count == 3)
        #expect(head.fields.text("accept") == "text/html")
        #expect(head.fields.entries.filter { $0.known == .cookie }.count == 2)
    }

    @Test func hostStandsInForAMissingAuthority() {
        let server = H2Server()
        let fields = [(":method", "GET"), (":scheme", "https"), (":path", "/"), ("host", "app.test")]
        #expect(server.feed(H2.headers(1, fields)).words == ["head 1 end"])
        let head = server.head(1)
        #expect(head.text(head.authority) == "app.test")
    }

    @Test func theSameHostTwiceIsOne() {
        let server = H2Server()
        #expect(server.feed(H2.headers(1, H2.get("/", [("host", "APP.test")]))).words == ["head 1 end"])
    }

    @Test(arguments: ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"])
    func methodsAreKnown(name: String) {
        let server = H2Server()
        var fields = H2.get()
        fields[0].1 = name
        #expect(server.feed(H2.headers(1, fields)).words == ["head 1 end"])
        let head = server.head(1)
        #expect(head.text(head.methodBytes) == name)
        let known: [String: HTTP.Method] = [
            "GET": .get, "HEAD": .head, "POST": .post, "PUT": .put, "DELETE": .delete, "OPTIONS": .options, "PATCH": .patch, "PROPFIND": .other,
        ]
        #expect(head.method == known[name])
    }

    @Test func bodyLengthsFollowTheHead() {
        let server = H2Server()
        #expect(server.feed(H2.headers(1, H2.post([("content-length", "5")]), end: false)).words == ["head 1"])
        #expect(server.head(1).body == .exactly(5))
        server.feed(H2.headers(3, H2.post(), end: false))
        #expect(server.head(3).body == .untilEnd)
        server.feed(H2.headers(5, H2.post([("content-length", "0")])))
        #expect(server.head(5).body == BodyLength.none)
    }

    @Test func anExpectationIsSeenOnlyWhereThereIsABody() {
        let server = H2Server()
        server.feed(H2.headers(1, H2.post([("expect", "100-Continue")]), end: false))
        #expect(server.head(1).expectsContinue)
        server.feed(H2.headers(3, H2.post([("expect", "100-continue")])))
        #expect(!server.head(3).expectsContinue)
        #expect(server.feed(H2.headers(5, H2.post([("expect", "miracles")]))).words == ["fault 5 417"])
    }

    @Test func asteriskIsForOptionsOnly() {
        let server = H2Server()
        var fields = H2.get("*")
        #expect(server.feed(H2.headers(1, fields)).isEmpty)
        fields[0].1 = "OPTIONS"
        #expect(server.feed(H2.headers(3, fields)).words == ["head 3 end"])
    }

    @Test func connectAndTraceAreAnswered405() {
        let server = H2Server()
        #expect(server.feed(H2.headers(1, [(":method", "CONNECT"), (":authority", "app.test:443")], end: false)).words == ["fault 1 405"])
        var fields = H2.get()
        fields[0].1 = "TRACE"
        #expect(server.feed(H2.headers(3, fields)).words == ["fault 3 405"])
        server.session.submitHead(stream: 3, responseHead(405), endStream: true)
        #expect(server.frames().contains { $0.type == 1 && $0.stream == 3 })
    }

    @Test func oneStreamsFaultLeavesTheOthersAlone() {
        let server = H2Server()
        let events = server.feed(H2.headers(1, H2.get("/a")) + H2.headers(3, H2.get("/b", [("te", "gzip")])) + H2.headers(5, H2.get("/c")))
        #expect(events.words == ["head 1 end", "head 5 end"])
        #expect(server.resetCodes() == [HTTP2ErrorCode.protocolError])
        #expect(server.session.wantsIO.read)
    }

    static let malformed: [(String, [(String, String)])] = [
        ("a name with a trailing space", H2.get("/", [("x-gw-user ", "a")])),
        ("a name in upper case", H2.get("/", [("X-Gw-User", "a")])),
        ("an empty name", H2.get("/", [("", "a")])),
        ("a name with a colon", H2.get("/", [("x:y", "a")])),
        ("a name with a line break", H2.get("/", [("x\r\ny", "a")])),
        ("a name that is not ASCII", H2.get("/", [("x-é", "a")])),
        ("a value with CR LF", H2.get("/", [("x", "a\r\nx-gw-role: admin")])),
        ("a value with LF", H2.get("/", [("x", "a\nb")])),
        ("a value with NUL", H2.get("/", [("x", "a\0b")])),
        ("a value with a leading blank", H2.get("/", [("x", " a")])),
        ("a value with a trailing tab", H2.get("/", [("x", "a\t")])),
        ("connection", H2.get("/", [("connection", "close")])),
        ("keep-alive", H2.get("/", [("keep-alive", "5")])),
        ("proxy-connection", H2.get("/", [("proxy-connection", "close")])),
        ("transfer-encoding", H2.get("/", [("transfer-encoding", "chunked")])),
        ("upgrade", H2.get("/", [("upgrade", "h2c")])),
        ("te other than trailers", H2.get("/", [("te", "gzip")])),
        ("te with more than trailers", H2.get("/", [("te", "trailers, gzip")])),
        ("a host that is another", H2.get("/", [("host", "evil.test")])),
        ("two hosts", H2.get("/", [("host", "app.test"), ("host", "app.test")])),
        ("two authorities", H2.get() + [(":authority", "evil.test")]),
        ("a late pseudo-header field", H2.get("/", [("x", "a")]) + [(":scheme", "https")]),
        ("an unknown pseudo-header field", H2.get() + [(":x", "a")]),
        ("a response's pseudo-header field", H2.get() + [(":status", "200")]),
        ("extended CONNECT, which is not offered",
         [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":authority", "app.test"), (":path", "/")]),
        ("no method", [(":scheme", "https"), (":authority", "app.test"), (":path", "/")]),
        ("no path", [(":method", "GET"), (":scheme", "https"), (":authority", "app.test")]),
        ("an empty path", H2.get("")),
        ("no scheme", [(":method", "GET"), (":authority", "app.test"), (":path", "/")]),
        ("no authority and no host", [(":method", "GET"), (":scheme", "https"), (":path", "/")]),
        ("an empty authority", [(":method", "GET"), (":scheme", "https"), (":authority", ""), (":path", "/")]),
        ("an empty host", [(":method", "GET"), (":scheme", "https"), (":path", "/"), ("host", "")]),
        ("user info", [(":method", "GET"), (":scheme", "https"), (":authority", "app.test@evil.test"), (":path", "/")]),
        ("a path in the authority", [(":method", "GET"), (":scheme", "https"), (":authority", "app.test/x"), (":path", "/")]),
        ("a blank in the authority", [(":method", "GET"), (":scheme", "https"), (":authority", "a b"), (":path", "/")]),
        ("a path without slash", H2.get("admin")),
        ("a whole address as path", H2.get("https://evil.test/")),
        ("a path with a blank", H2.get("/a b")),
        ("a path with CR LF", H2.get("/a\r\nx: y")),
        ("a method that is a request line", [(":method", "GET /x HTTP/1.1\r\nX:"), (":scheme", "https"), (":authority", "app.test"), (":path", "/")]),
        ("an empty method", [(":method", ""), (":scheme", "https"), (":authority", "app.test"), (":path", "/")]),
        ("a scheme that is an address", [(":method", "GET"), (":scheme", "http://evil"), (":authority", "app.test"), (":path", "/")]),
        ("another protocol's scheme", [(":method", "GET"), (":scheme", "ftp"), (":authority", "app.test"), (":path", "/")]),
        ("a length that is no number", H2.post([("content-length", "+5")])),
        ("a hexadecimal length", H2.post([("content-length", "0x10")])),
        ("a list of lengths", H2.post([("content-length", "5, 5")])),
        ("an empty length", H2.post([("content-length", "")])),
        ("an overlong length", H2.post([("content-length", "99999999999999999999")])),
        ("two lengths", H2.post([("content-length", "0"), ("content-length", "0")])),
        ("a length and no body", H2.post([("content-length", "5")])),
    ]

    @Test(arguments: malformed.indices)
    func malformedRequestsAreResetUnseen(index: Int) {
        let (what, fields) = Self.malformed[index]
        let server = H2Server()
        #expect(server.feed(H2.headers(1, fields)).isEmpty, "\(what)")
        #expect(server.resetCodes() == [HTTP2ErrorCode.protocolError], "\(what)")
        #expect(server.session.takeEvents().isEmpty, "\(what)")
        #expect(server.session.openStreams == 0)
        #expect(server.feed(H2.headers(3, H2.get())).words == ["head 3 end"], "\(what): the connection goes on")
    }

    @Test func bytesAboveASCIIPassInValues() {
        let server = H2Server()
        let fields = H2.get().map { (Array($0.0.utf8), Array($0.1.utf8)) } + [(Array("x".utf8), [0xE9, 0x80])]
        #expect(server.feed(H2.split(1, H2.rawBlock(fields), end: true)).words == ["head 1 end"])
        let head = server.head(1)
        #expect(Array(head.fields.value(head.fields.entries[0])) == [0xE9, 0x80])
    }

    @Test func aPrefaceOfAnotherProtocolIsRefused() {
        let server = H2Server(greet: false)
        #expect(throws: ProtocolFault("h2-preface")) { try server.receive(Array("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n".utf8)) }
        #expect(!server.session.wantsIO.read)
    }

    @Test func aConnectionErrorEndsIt() {
        let server = H2Server()
        server.feed(H2.frame(.data, stream: 0, [1]))
        #expect(server.goAwayCode() == HTTP2ErrorCode.protocolError)
        #expect(server.session.wantsIO == (false, false))
    }
}
