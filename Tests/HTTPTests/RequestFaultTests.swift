import HTTP
import Testing

/// One request that must be refused, under the number of the attack it stands for.
struct BadRequest: CustomTestStringConvertible, Sendable {
    var attack: String
    var text: String
    var status: UInt16 = 400

    init(_ attack: String, _ text: String, _ status: UInt16 = 400) {
        (self.attack, self.text, self.status) = (attack, text, status)
    }

    /// A GET with these field lines after a good Host.
    init(_ attack: String, fields: String, _ status: UInt16 = 400) {
        self.init(attack, "GET / HTTP/1.1\r\nHost: a.test\r\n" + fields + "\r\n\r\n", status)
    }

    /// A chunked POST whose body begins with `chunks`.
    init(_ attack: String, chunks: String) {
        self.init(attack, "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
    }

    /// Characters stand for bytes, so that 0x80–0xFF can be written.
    var bytes: [UInt8] { text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }
    var testDescription: String { "\(attack) \(text.debugDescription)" }
}

@Suite struct RequestFaultTests {
    static let identityHeaders = [
        BadRequest("T-4", fields: "X Gw User: admin"), BadRequest("T-4", fields: "X-Gw-User\u{85}: admin"), BadRequest("T-4", fields: "X-Gw-User\t: admin"),
        BadRequest("T-4", fields: "X-Gw-User : admin"),
        BadRequest("T-9", "POST / HTTP/1.1\r\nHost: a.test\r\nConnection: Content-Length\r\nContent-Length: 3\r\n\r\nabc"),
        BadRequest("T-9", fields: "Connection: close, Transfer-Encoding"), BadRequest("T-9", fields: "Connection: Host"),
        BadRequest("T-9", fields: "Connection: ,\r\nConnection: keep-alive,,hOST "), BadRequest("T-9", fields: "Connection: clo se"),
    ]

    static let forms = [
        BadRequest("T-34", "GET https://a.test/ HTTP/1.1\r\n\r\n"), BadRequest("T-34", "GET https://a.test/ HTTP/1.1\r\nHost: a b\r\n\r\n"),
        BadRequest("T-34", "GET https://a.test/ HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n"),
        BadRequest("T-34", "GET https://u@a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n"), BadRequest("T-34", "GET ftp://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n"),
        BadRequest("T-34", "GET http:///x HTTP/1.1\r\nHost: a.test\r\n\r\n"), BadRequest("T-34", "GET admin HTTP/1.1\r\nHost: a.test\r\n\r\n"),
        BadRequest("T-34", "GET a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n"), BadRequest("T-34", "GET * HTTP/1.1\r\nHost: a.test\r\n\r\n"),
        BadRequest("T-34", "OPTIONS ** HTTP/1.1\r\nHost: a.test\r\n\r\n"), BadRequest("T-34", "GET ?x HTTP/1.1\r\nHost: a.test\r\n\r\n"),
        BadRequest("T-34", "CONNECT app.test:443 HTTP/1.1\r\nHost: app.test\r\n\r\n", 405),
        BadRequest("T-34", "CONNECT /x HTTP/1.1\r\nHost: app.test\r\n\r\n", 405), BadRequest("T-34", "TRACE / HTTP/1.1\r\nHost: a.test\r\n\r\n", 405),
    ]

    static let lengths = [
        BadRequest("T-41", "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX"),
        BadRequest("T-41", "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nX"),
        BadRequest("T-41", fields: "Transfer-Encoding: chunked\r\nContent-Length: 0"),
    ] + ["xchunked", "chunked, identity", ", chunked", "chunked,", "chunked\u{b}", "identity", "gzip, chunked", "\"chunked\"", "", "chunked;q=1", "chunked, chunked"]
        .map { BadRequest("T-42", fields: "Transfer-Encoding: \($0)") } + [
            BadRequest("T-42", fields: "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
            BadRequest("T-42", fields: "Transfer-Encoding:\tchunked"), BadRequest("T-42", fields: "Transfer-Encoding: \t chunked"),
            BadRequest("T-42", fields: "Transfer-Encoding: chunked\t"), BadRequest("T-44", fields: "Content-Length:\t5"),
            BadRequest("T-42", fields: "Transfer-Encoding : chunked"), BadRequest("T-42", fields: "X: y\r\n \nTransfer-Encoding: chunked"),
            BadRequest("T-42", fields: "Transfer-Encoding:\r\n\tchunked"), BadRequest("T-42", fields: "Transfer\u{2d}Encoding\0: chunked"),
            BadRequest("T-43", "POST / HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            BadRequest("T-45", fields: "Content-Length: 5\r\nContent-Length: 6"), BadRequest("T-45", fields: "Content-Length: 5\r\ncontent-length: 05"),
        ] + ["", "+5", "-1", "0x10", "010", "1_0", "5, 5", "5, 6", "1Z", "12345678901234567890", "9223372036854775808", "5 5", "５", "1.0", "5;"]
        .map { BadRequest("T-44", fields: "Content-Length: \($0)") }

    static let chunks = ["0x5\r\n", "5_\r\n", "+5\r\n", " 5\r\n", "5 \r\n", "5;a=b\nxxxxx", "5 ;\r\r", "\r\n", ";a\r\n", "FFFFFFFFFFFFFFFFF\r\n", "FFFFFFFFFFFFFFFF\r\n",
        "-1\r\n", "5;\r\n", "5;a=\r\n", "5;a=\"x\r\n", "5;a=b c\r\n", "5; a\r\n", "5;a=\"\u{0}\"\r\n", "5\n", "5\r5", "5;a\r\r\n", "00000000000000005\r\n",
        "5;" + String(repeating: "a", count: 300) + "\r\n"]
        .map { BadRequest("T-46", chunks: $0) }
        + ["5\r\nhello\n0\r\n\r\n", "5\r\nhelloXX", "5\r\nhello0\r\n\r\n", "5\r\nhello\r0", "0\r\nX:\n\r\n", "0\r\nX\r\n\r\n", "0\r\n x: y\r\n\r\n", "0\r\n\rX", "0\r\n\n", "0\r\nX: \0\r\n\r\n"]
        .map { BadRequest("T-47", chunks: $0) }

    static let lines = [
        BadRequest("T-48", "GET / HTTP/1.1\nHost: a.test\n\n"), BadRequest("T-48", "GET / HTTP/1.1\r\nHost: a.test\n\r\n"),
        BadRequest("T-48", "GET / HTTP/1.1\r\nHost: a.test\r\n\n"), BadRequest("T-48", fields: "X: a\rb"), BadRequest("T-48", fields: "X: a\rTransfer-Encoding: chunked"),
        BadRequest("T-48", "GET / HTTP/1.1\r\nHost: a.test\r\n\rX"), BadRequest("T-48", "GET / HTTP/1.1\r\r\nHost: a.test\r\n\r\n"),
        BadRequest("T-48", "\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n"), BadRequest("T-48", "\r\n\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n"),
        BadRequest("T-49", "GET / HTTP/1.1\r\n Host: a.test\r\n\r\n"), BadRequest("T-49", "GET / HTTP/1.1\r\n\tX: y\r\nHost: a.test\r\n\r\n"),
        BadRequest("T-49", fields: "X: y\r\n z"), BadRequest("T-49", fields: "X: y\r\n\tz"), BadRequest("T-49", fields: "X"), BadRequest("T-49", fields: ": x"),
        BadRequest("T-49", fields: ":"), BadRequest("T-49", fields: " "), BadRequest("T-49", fields: "X y: z"),
        BadRequest("T-50", fields: "X\0: y"), BadRequest("T-50", fields: "X\u{80}: y"), BadRequest("T-50", fields: "\u{ff}: y"), BadRequest("T-50", fields: "X: a\0b"),
        BadRequest("T-50", fields: "X: a\u{1}b"), BadRequest("T-50", fields: "X: a\u{7f}b"), BadRequest("T-50", fields: "X: a\u{b}"), BadRequest("T-50", fields: "(X): y"),
    ]

    static let requestLines = ["HTTP/1.10", "HTTP/4294967295.255", "http/1.1", "HTTP/1.1 ", "HTTP/1", "HTTP/1.x", "HTTP/ 1.1", "HTTPS/1.1", "", "HTTP/1.1\t", "1.1"]
        .map { BadRequest("T-51", "GET / \($0)\r\nHost: a.test\r\n\r\n") }
        + ["HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "HTTP/3.0"].map { BadRequest("T-51", "GET / \($0)\r\nHost: a.test\r\n\r\n", 505) }
        + ["GET /\r\n", "GET\r\n", "GET / \r\n", " GET / HTTP/1.1\r\n", "GET  / HTTP/1.1\r\n", "GET /  HTTP/1.1\r\n", "GET / a HTTP/1.1\r\n", "GET\t/\tHTTP/1.1\r\n",
            "GE\tT / HTTP/1.1\r\n", "G=\":<> / HTTP/1.1\r\n", "get / HTTP/1.1\r\n", "Post / HTTP/1.1\r\n", "GET /\u{e9} HTTP/1.1\r\n", "GET /a\tb HTTP/1.1\r\n",
            "\u{16}\u{3}\u{1}", "/ HTTP/1.1\r\n", "GET /\0 HTTP/1.1\r\n"].map { BadRequest("T-51", $0 + "Host: a.test\r\n\r\n") }
        + [BadRequest("T-51", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505), BadRequest("T-51", String(repeating: "A", count: 33) + " / HTTP/1.1\r\n", 501)]

    static let hosts = [BadRequest("T-52", "GET / HTTP/1.1\r\n\r\n"), BadRequest("T-52", "GET / HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n"),
        BadRequest("T-52", "GET / HTTP/1.0\r\nHost: a.test\r\nhost: b.test\r\n\r\n"), BadRequest("T-52", "GET / HTTP/1.1\r\n Host : x\r\n\r\n")]
        + ["a b", "app.test/x", "app.test@evil.test", "app.test:99999", "app.test:65536", "app.test:", "app.test:x", "app.test:-1", "app.test:0443", "[::1", "[]", "[::1]x", "[::g]",
            "::1", "", "a,b", "a?b", "a#b", "a\\b", "a%2eb", "http://a.test", "m\u{fc}nchen.test", ":443", "a:1:2", "[1]"]
        .map { BadRequest("T-52", "GET / HTTP/1.1\r\nHost: \($0)\r\n\r\n") }

    static let other = [BadRequest("expect", fields: "Expect: 200-ok", 417), BadRequest("expect", fields: "Expect: 100-continue\r\nExpect: x", 417)]

    @Test(arguments: identityHeaders + forms + lengths + chunks + lines + requestLines + hosts + other)
    func aRequestThatTwoReadersMightReadDifferentlyIsRefused(_ request: BadRequest) {
        let trace = requestTrace(request.bytes)
        guard case .fault(_, let status) = trace.items.last else {
            Issue.record("accepted: \(trace)")
            return
        }
        #expect(status == request.status, "\(trace)")
        #expect(Checks.requests(request.bytes) == nil)
    }

    @Test func aFaultIsFinal() {
        var parser = RequestParser()
        let bad = Array("GET / HTTP/9.9\r\n".utf8)
        let good = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        #expect(throws: ProtocolFault("version", status: 505)) { try parser.next(bad.span) }
        #expect(throws: ProtocolFault("version", status: 505)) { try parser.next(good.span) }
    }
}
