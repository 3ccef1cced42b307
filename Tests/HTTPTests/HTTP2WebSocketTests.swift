import HTTP
import Testing

@Suite struct HTTP2WebSocketTests {
    static func opening(_ more: [(String, String)] = [("sec-websocket-version", "13")], protocol name: String = "websocket", path: String = "/chat")
        -> [(String, String)] {
        [(":method", "CONNECT"), (":protocol", name), (":scheme", "https"), (":authority", "app.test"), (":path", path)] + more
    }

    @Test func theSettingIsAnnounced() {
        let server = H2Server(greet: false)
        let settings = server.frames().first { $0.type == H2.FrameType.settings.rawValue }
        let entries = stride(from: 0, to: settings?.payload.count ?? 0, by: 6).map { Array(settings!.payload[$0..<$0 + 6]) }
        #expect(entries.contains([0, 8, 0, 0, 0, 1]))
    }

    @Test func anExtendedConnectIsToldAsAGetWithoutABody() {
        let server = H2Server()
        let fields = [
            ("sec-websocket-version", "13"), ("sec-websocket-key", "x"), ("sec-websocket-accept", "y"), ("sec-websocket-protocol", "chat"),
        ]
        #expect(server.feed(H2.headers(1, Self.opening(fields, protocol: "WebSocket"), end: false)).words == ["head 1"])
        let head = server.head(1)
        #expect(head.isWebSocket && head.method == .get && head.body == BodyLength.none)
        #expect(head.text(head.methodBytes) == "GET" && head.text(head.target) == "/chat" && head.text(head.authority) == "app.test")
        #expect(head.fields.count(.secWebSocketProtocol) == 1)
        #expect(head.fields.count(.secWebSocketKey) == 0 && head.fields.count(.secWebSocketAccept) == 0, "the key is the gateway's")
        // Its DATA is what the WebSocket says.
        #expect(server.feed(H2.frame(.data, stream: 1, [1, 2, 3])).words == ["data 1 3"])
    }

    @Test(arguments: ["connect-udp", "http", "", "websocket "]) func otherProtocolsAre405(name: String) {
        let server = H2Server()
        let words = server.feed(H2.headers(1, Self.opening(protocol: name), end: false)).words
        #expect(words == ["fault 1 405"] || words.isEmpty && server.resetCodes() == [HTTP2ErrorCode.protocolError])
    }

    static let malformed: [(String, [(String, String)], Bool)] = [
        ("no version", opening([]), false),
        ("two versions", opening([("sec-websocket-version", "13"), ("sec-websocket-version", "13")]), false),
        ("a length", opening([("sec-websocket-version", "13"), ("content-length", "0")]), false),
        ("an end", opening(), true),
        ("an asterisk", opening(path: "*"), false),
        ("no path", opening().filter { $0.0 != ":path" }, false),
        ("no scheme", opening().filter { $0.0 != ":scheme" }, false),
        ("no authority", opening().filter { $0.0 != ":authority" }, false),
        ("another host", opening([("sec-websocket-version", "13"), ("host", "other.test")]), false),
        ("a protocol with GET", [(":method", "GET")] + opening().dropFirst(), false),
        ("a protocol twice", [(":protocol", "websocket")] + opening(), false),
    ]

    @Test(arguments: malformed.indices) func malformedOnesAreStreamErrors(index: Int) {
        let (what, fields, end) = Self.malformed[index]
        let server = H2Server()
        #expect(server.feed(H2.headers(1, fields, end: end)).isEmpty, "\(what)")
        #expect(server.resetCodes() == [HTTP2ErrorCode.protocolError], "\(what)")
        #expect(server.session.wantsIO.read)
    }
}
