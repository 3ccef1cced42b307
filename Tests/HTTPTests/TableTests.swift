import Bytes
import HTTP
import Testing

@Suite struct KnownFieldTests {
    static let all = (0...UInt8.max).compactMap(KnownField.init(rawValue:)).filter { $0 != .other }

    @Test func everyKnownNameIsFoundInAnyCaseAndNoneIsTakenForAnother() {
        #expect(Self.all.count > 50)
        #expect(Set(Self.all.map { "\($0.text)".lowercased() }).count == Self.all.count)
        for field in Self.all {
            let name = "\(field.text)"
            for spelling in [name, name.lowercased(), name.uppercased()] { #expect(KnownField(name: Array(spelling.utf8)[...]) == field, "\(name)") }
        }
    }

    @Test func aNeighbourOfAKnownNameIsOther() {
        for field in Self.all {
            let name = Array("\(field.text)".utf8)
            for at in name.indices {
                for change: UInt8 in [0x20, 0x01, 0x80] {
                    var near = name
                    near[at] ^= change
                    if String(decoding: near, as: UTF8.self).lowercased() != "\(field.text)".lowercased() { #expect(KnownField(name: near[...]) == .other) }
                }
            }
            #expect(KnownField(name: name.dropLast()) == .other)
            #expect(KnownField(name: (name + [0x61])[...]) == .other)
        }
        #expect(KnownField(name: []) == .other)
    }
}

@Suite struct MethodTests {
    private func method(_ token: String) -> HTTP.Method? { HTTP.Method(token: Array(token.utf8).span) }

    @Test(arguments: [HTTP.Method.get, .head, .post, .put, .delete, .options, .patch, .connect, .trace]) func everyMethodIsFound(_ method: HTTP.Method) {
        #expect(self.method("\(method.text)") == method)
    }

    @Test(arguments: ["PROPFIND", "M-SEARCH", "GEX", "PUX", "POSX", "HEAX", "PATCX", "DELETX", "OPTIONX", "A", "GETGET"]) func othersAreOther(_ token: String) {
        #expect(method(token) == .other)
    }

    @Test(arguments: ["", "get", "GEt", "G T", "G/", "GÉT", "A\0", String(repeating: "A", count: 33)]) func whatIsNoMethodIsNone(_ token: String) {
        #expect(method(token) == nil)
    }
}

@Suite struct AuthorityTests {
    private func names(_ origin: Origin, _ bytes: [UInt8]) -> Bool { Authority.names(origin, bytes.span) }

    @Test("T-38: hosts are compared in one form", arguments: [
        ("app.test", Origin(host: "app.test")), ("APP.Test:443", Origin(host: "app.test")), ("app.test:8443", Origin(host: "app.test", port: 8443)),
        ("[2001:DB8::1]:8", Origin(host: "[2001:db8::1]", port: 8)), ("127.0.0.1:0", Origin(host: "127.0.0.1", port: 0)), ("xn--mnchen-3ya.test", Origin(host: "xn--mnchen-3ya.test")),
    ]) func hostsAreComparedInOneForm(_ text: String, _ origin: Origin) {
        let bytes = Array(text.utf8)
        #expect(Authority.origin(bytes[...]) == origin)
        #expect(names(origin, bytes))
        #expect(!names(Origin(host: origin.host, port: 7), bytes))
        #expect(!names(Origin(host: origin.host + "x", port: origin.port), bytes))
    }

    @Test(arguments: ["app.test.", "app.test.:443", "", ":443", "a b", "a@b", "a/b", "a:65536", "a:", "a:01", "[::1", "é"]) func whatNamesNoOriginOfOursIsNone(_ text: String) {
        #expect(Authority.origin(Array(text.utf8)[...]) == nil)
        #expect(!names(Origin(host: "app.test"), Array(text.utf8)))
    }
}

@Suite struct WriterTests {
    private func text(_ queue: borrowing ByteQueue) -> String {
        var bytes: [UInt8] = []
        let span = queue.bytes
        for at in 0..<span.count { bytes.append(span[at]) }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func aResponseThatIsWrittenIsReadAgain() {
        var queue = ByteQueue()
        ResponseWriter.statusLine(404, into: &queue)
        FieldWriter.field("Content-Length", decimal: 5, into: &queue)
        FieldWriter.field("X-Text", "a\r\nSet-Cookie: b\0", into: &queue)
        FieldWriter.field("X-Fixed", literal: "yes", into: &queue)
        FieldWriter.end(into: &queue)
        #expect(text(queue) == "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nX-Text: a  Set-Cookie: b \r\nX-Fixed: yes\r\n\r\n")
    }

    @Test func aRequestIsWrittenFromItsHead() throws {
        var parser = RequestParser()
        let bytes = Array("PURGE http://a/x?y HTTP/1.0\r\nHost: a\r\nx-Some:  thing \r\n\r\n".utf8)
        _ = try parser.next(bytes.span)
        var queue = ByteQueue()
        let head = parser.head
        let arena = head.fields.arena.span
        RequestWriter.requestLine(method: arena.extracting(head.methodBytes), target: arena.extracting(head.target), into: &queue)
        for entry in head.fields.entries { FieldWriter.field(entry, of: head.fields, into: &queue) }
        #expect(text(queue) == "PURGE /x?y HTTP/1.1\r\nHost: a\r\nx-Some: thing\r\n")
    }

    @Test(arguments: [1, 9, 10, 15, 16, 255, 256, 65_535, 1 << 20, Int.max]) func aChunkedBodyThatIsWrittenIsReadAgain(_ count: Int) {
        var queue = ByteQueue()
        ChunkedWriter.header(count, into: &queue)
        #expect(text(queue) == String(count, radix: 16) + "\r\n")
    }

    @Test func theLastChunkEndsTheBody() {
        var queue = ByteQueue()
        for part in ["hello", "!"] {
            ChunkedWriter.header(part.utf8.count, into: &queue)
            queue.append(part)
            ChunkedWriter.dataEnd(into: &queue)
        }
        ChunkedWriter.end(into: &queue)
        let trace = requestTrace(Array(("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + text(queue)).utf8))
        #expect(trace.items.dropFirst() == [.body(Array("hello!".utf8)), .end(trailers: "")])
    }
}
