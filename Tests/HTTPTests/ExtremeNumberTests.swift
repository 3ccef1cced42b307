import HTTP
import Testing

/// Numbers that a peer chooses: the largest that is taken counts to its last digit, the next is a fault, and none traps.
@Suite struct ExtremeNumberTests {
    private func request(_ field: String, body: String = "") -> ParserTrace.Item? {
        requestTrace(Array("POST / HTTP/1.1\r\nHost: a.test\r\n\(field)\r\n\r\n\(body)".utf8)).items.last
    }

    private func response(_ field: String, body: String = "x") -> [ParserTrace.Item] {
        responseTrace(Array("HTTP/1.1 200 OK\r\n\(field)\r\n\r\n\(body)".utf8)).items
    }

    private static let chunked = "Transfer-Encoding: chunked"

    @Test func aLengthMayBeTwoToThe63LessOne() {
        guard case .head(let text) = request("Content-Length: 9223372036854775807") else { return #expect(Bool(false)) }
        #expect(text.contains("9223372036854775807"))
        #expect(request("Content-Length: 9223372036854775807", body: "hello") == .body(Array("hello".utf8)))
        #expect(response("Content-Length: 9223372036854775807").contains(.body([0x78])))
    }

    @Test(arguments: ["9223372036854775808", "9999999999999999999", "18446744073709551615", "18446744073709551616", "18446744073709551621", "99999999999999999999", String(repeating: "9", count: 1000)])
    func aLongerOneIsAFault(_ length: String) {
        #expect(request("Content-Length: \(length)", body: "hello") == .fault("content-length", 400))
        guard case .fault = response("Content-Length: \(length)").last else { return #expect(Bool(false)) }
    }

    @Test func aChunkMayBeTwoToThe63LessOne() {
        #expect(request(Self.chunked, body: "7fffffffffffffff\r\nhello") == .body(Array("hello".utf8)))
        #expect(request(Self.chunked, body: "0000000000000005\r\nhello") == .body(Array("hello".utf8)))
    }

    @Test(arguments: ["8000000000000000", "ffffffffffffffff", "10000000000000000", "00000000000000005", "fffffffffffffffffffffffffffffffff", String(repeating: "f", count: 5000)])
    func aLongerChunkIsAFault(_ size: String) {
        #expect(request(Self.chunked, body: "\(size)\r\nhello") == .fault("chunk-size", 400))
        guard case .fault = response(Self.chunked, body: "\(size)\r\nhello").last else { return #expect(Bool(false)) }
    }

    @Test func manyHugeChunksAddUpWithoutATrap() {
        // The sum of what is announced overflows; what counts is what comes.
        let body = String(repeating: "5\r\nhello\r\n", count: 3) + "7fffffffffffffff\r\nhello"
        #expect(request(Self.chunked, body: body) == .body(Array(String(repeating: "hello", count: 4).utf8)))
    }

    @Test(arguments: ["0", "1", "65535"]) func aPortUpTo65535IsOne(_ port: String) {
        #expect(Authority(Array("a.test:\(port)".utf8).span)?.port == UInt16(port))
    }

    @Test(arguments: ["65536", "99999", "100000", "065535", "18446744073709551617", "-1", "+1", "0x1", ""]) func anyOtherIsNone(_ port: String) {
        #expect(Authority(Array("a.test:\(port)".utf8).span) == nil)
    }

    @Test(arguments: ["000", "099", "1000", "65736", "99999999999999999999", "-200", "+200", "0x1", ""]) func aStatusOfAnythingButThreeDigitsIsAFault(_ status: String) {
        guard case .fault = responseTrace(Array("HTTP/1.1 \(status) x\r\nContent-Length: 0\r\n\r\n".utf8)).items.first else { return #expect(Bool(false)) }
    }

    @Test(arguments: ["HTTP/1.10", "HTTP/4294967297.1", "HTTP/1.4294967297", "HTTP/18446744073709551617.1", "HTTP/11", "HTTP/-1.1"]) func aVersionIsTwoDigits(_ version: String) {
        guard case .fault = requestTrace(Array("GET / \(version)\r\nHost: a.test\r\n\r\n".utf8)).items.first else { return #expect(Bool(false)) }
        guard case .fault = responseTrace(Array("\(version) 200 x\r\nContent-Length: 0\r\n\r\n".utf8)).items.first else { return #expect(Bool(false)) }
    }
}
