import Bytes
import Testing

@testable import Proxy

@Suite struct ProxyHeaderTests {
    static func outcome(_ bytes: [UInt8]) -> Result<ProxyHeader, ProxyHeaderFault> {
        do throws(ProxyHeaderFault) { return .success(try ProxyHeader.parse(bytes.span)) } catch { return .failure(error) }
    }

    static func outcome(_ text: String) -> Result<ProxyHeader, ProxyHeaderFault> { outcome(Array(text.utf8)) }

    @Test(arguments: [
        ("PROXY TCP4 192.0.2.1 198.51.100.2 51234 443\r\n", "192.0.2.1"), ("PROXY TCP4 192.0.2.1 198.51.100.2 0 65535\r\nGET", "192.0.2.1"),
        ("PROXY TCP6 2001:db8::1 2001:db8::2 51234 443\r\n", "2001:db8::1"), ("PROXY TCP6 ::ffff:192.0.2.1 ::1 51234 443\r\n", "192.0.2.1"),
    ])
    func aLineNamesTheClient(_ line: String, _ client: String) throws {
        let bytes = Array(line.utf8)
        let length = try #require(bytes.firstIndex(of: 0x0A)) + 1
        #expect(Self.outcome(bytes) == .success(.client(try #require(IPAddress(client)), length: length)))
        for count in 0..<length { #expect(Self.outcome(Array(bytes.prefix(count))) == .success(.needsMore), "\(count)") }
    }

    @Test(arguments: ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN ff::1 whatever it is\r\n"]) func aLineMayNameNobody(_ line: String) {
        #expect(Self.outcome(line) == .success(.local(length: line.utf8.count)))
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\n", ProxyHeaderFault.absent), ("\u{16}\u{3}\u{1}", .absent), ("proxy TCP4", .absent), ("PROXX", .absent), ("\r\n\r\nGET", .absent), ("PROXY\t", .absent),
        ("PROXY  TCP4 1.2.3.4 1.2.3.4 1 1\r\n", .unsupported), ("PROXY UDP4 1.2.3.4 1.2.3.4 1 1\r\n", .unsupported), ("PROXY tcp4 1.2.3.4 1.2.3.4 1 1\r\n", .unsupported),
        ("PROXY \r\n", .unsupported), ("PROXY UNKNOWNS\r\n", .unsupported), ("PROXY TCP4\r\n", .malformed), ("PROXY TCP4 1.2.3.4\r\n", .malformed),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", .malformed), ("PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n", .malformed), ("PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n", .malformed),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n", .malformed), ("PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n", .malformed), ("PROXY TCP4 01.2.3.4 1.2.3.4 1 1\r\n", .malformed),
        ("PROXY TCP4 1.2.3.4 1.2.3 1 1\r\n", .malformed), ("PROXY TCP4 ::1 1.2.3.4 1 1\r\n", .malformed), ("PROXY TCP6 1.2.3.4 ::1 1 1\r\n", .malformed),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n", .malformed), ("PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n", .malformed), ("PROXY TCP4 1.2.3.4 1.2.3.4 +1 1\r\n", .malformed),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 123456 1\r\n", .malformed), ("PROXY TCP4 1.2.3.4 1.2.3.4 1 1\rX", .malformed), ("PROXY TCP4 1.2.3.4\t1.2.3.4 1 1\r\n", .malformed),
    ])
    func anythingElseIsNoLine(_ line: String, _ fault: ProxyHeaderFault) {
        #expect(Self.outcome(line) == .failure(fault))
    }

    @Test func aLineHasAtMost107Bytes() {
        let longest = "PROXY UNKNOWN " + String(repeating: "x", count: 107 - 16) + "\r\n"
        #expect(longest.utf8.count == 107)
        #expect(Self.outcome(longest) == .success(.local(length: 107)))
        #expect(Self.outcome(longest.replacing("\r\n", with: "x\r\n")) == .failure(.tooLong))
        #expect(Self.outcome(String(repeating: "PROXY UNKNOWN", count: 1) + String(repeating: " ", count: 92)) == .success(.needsMore))
        #expect(Self.outcome(String(repeating: "PROXY UNKNOWN", count: 1) + String(repeating: " ", count: 93)) == .failure(.tooLong))
    }

    // MARK: version 2

    static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]
    static let four: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 2, 0xC8, 0x22, 1, 0xBB]
    static let six: [UInt8] = [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [1] + [UInt8](repeating: 7, count: 20)

    static func binary(_ command: UInt8, _ family: UInt8, _ rest: [UInt8]) -> [UInt8] {
        signature + [command, family, UInt8(rest.count >> 8), UInt8(rest.count & 255)] + rest
    }

    @Test func aBinaryHeaderNamesTheClient() throws {
        let client = try #require(IPAddress("192.0.2.1"))
        for rest in [[], [4, 0, 0], [0x20, 0, 3, 1, 2, 3, 4, 0, 1, 0]] as [[UInt8]] {
            let header = Self.binary(0x21, 0x11, Self.four + rest)
            #expect(Self.outcome(header) == .success(.client(client, length: header.count)))
            #expect(Self.outcome(header + [22, 3, 1]) == .success(.client(client, length: header.count)))
            for count in 0..<header.count { #expect(Self.outcome(Array(header.prefix(count))) == .success(.needsMore)) }
        }
        #expect(Self.outcome(Self.binary(0x21, 0x21, Self.six)) == .success(.client(try #require(IPAddress("2001:db8::1")), length: 52)))
    }

    @Test func aBinaryHeaderMayNameNobody() {
        for header in [
            Self.binary(0x20, 0, []), Self.binary(0x20, 0x11, Self.four), Self.binary(0x20, 0x77, [1, 2, 3]), Self.binary(0x21, 0, []),
            Self.binary(0x21, 0x31, [UInt8](repeating: 0, count: 216)),
        ] {
            #expect(Self.outcome(header) == .success(.local(length: header.count)))
        }
    }

    @Test func anythingElseIsNoBinaryHeader() {
        let cases: [([UInt8], ProxyHeaderFault)] = [
            (Self.binary(0x22, 0x11, Self.four), .unsupported), (Self.binary(0x11, 0x11, Self.four), .unsupported), (Self.binary(0x31, 0x11, Self.four), .unsupported),
            (Self.binary(0x21, 0x12, Self.four), .unsupported), (Self.binary(0x21, 0x22, Self.six), .unsupported), (Self.binary(0x21, 0x41, Self.four), .unsupported),
            (Self.binary(0x21, 0x11, Array(Self.four.dropLast())), .malformed), (Self.binary(0x21, 0x21, Self.four), .malformed),
            (Self.binary(0x21, 0x11, Self.four + [4]), .malformed), (Self.binary(0x21, 0x11, Self.four + [4, 0]), .malformed),
            (Self.binary(0x21, 0x11, Self.four + [4, 0, 2, 1]), .malformed), (Self.binary(0x21, 0x11, Self.four + [4, 255, 255, 1]), .malformed),
            (Self.binary(0x21, 0x11, Self.four + [3, 0, 3, 1, 2, 3]), .malformed), (Self.signature + [0x21, 0x11, 0x10, 0], .tooLong),
            (Array(Self.signature.dropLast()) + [11], .absent),
        ]
        for (header, fault) in cases { #expect(Self.outcome(header) == .failure(fault), "\(header)") }
    }

    @Test func itsChecksumIsCompared() {
        #expect(CRC32C.sum(Array("123456789".utf8).span) == 0xE306_9283)
        var header = Self.binary(0x21, 0x11, Self.four + [3, 0, 4, 0, 0, 0, 0])
        let sum = CRC32C.sum(header.span)
        for at in 0..<4 { header[31 + at] = UInt8(truncatingIfNeeded: sum >> (24 - 8 * UInt32(at))) }
        #expect(Self.outcome(header) == .success(.client(IPAddress("192.0.2.1")!, length: 35)))
        var twice = Self.binary(0x21, 0x11, Self.four + header[28...] + header[28...])
        #expect(Self.outcome(twice) == .failure(.malformed))
        twice = header
        twice[16] ^= 1
        #expect(Self.outcome(twice) == .failure(.corrupt))
    }
}
