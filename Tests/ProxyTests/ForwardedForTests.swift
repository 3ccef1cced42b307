import Bytes
import HTTP
import Testing

@testable import Proxy

@Suite struct ForwardedForTests {
    static func client(_ lines: [String], peer: String = "10.0.0.1", trusted: [String] = ["10.0.0.0/8"]) -> String {
        var fields = Fields()
        fields.append("Host", "wiki.test")
        for line in lines { fields.append("X-Forwarded-For", line) }
        fields.append("X_Forwarded_For", "203.0.113.66")
        return ForwardedFor.client(fields, peer: IPAddress(peer)!, trusted: trusted.map { IPNetwork($0)! }).description
    }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("203.0.113.9, 192.0.2.1", "192.0.2.1"), ("203.0.113.9,192.0.2.1 , 10.0.0.2", "192.0.2.1"), ("192.0.2.1, 10.0.0.3, 10.0.0.2", "192.0.2.1"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"), ("10.0.0.3", "10.0.0.3"), ("192.0.2.1:51234", "192.0.2.1"), ("[2001:db8::1]", "2001:db8::1"), ("[2001:db8::1]:443", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"), ("\"[2001:db8::1]:443\"", "2001:db8::1"), ("192.0.2.1, ", "192.0.2.1"), (", 192.0.2.1,,\t", "192.0.2.1"), ("", "10.0.0.1"), (",", "10.0.0.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"), ("192.0.2.1, ::ffff:10.0.0.2", "192.0.2.1"),
    ])
    func theListIsReadFromTheRight(_ line: String, _ client: String) {
        #expect(Self.client([line]) == client)
    }

    @Test(arguments: [
        "unknown", "a", "192.0.2.1, unknown", "192.0.2.1, 10.0.0.300", "192.0.2.1:", "192.0.2.1:port", "192.0.2.1:123456", "[192.0.2.1]", "[2001:db8::1", "[2001:db8::1]443",
        "[2001:db8::1]:", "for=192.0.2.1", "\"\"192.0.2.1\"\"", "192.0.2.1 192.0.2.2", "192.0.2.1; x", "fe80::1%eth0", "\"", "[]", ":80", "192.0.2.1/32",
    ])
    func whatIsNoAddressMakesTheOneWhoPassedItOnTheClient(_ line: String) {
        #expect(Self.client([line]) == "10.0.0.1")
        #expect(Self.client([line + ", 10.0.0.7"]) == "10.0.0.7")
    }

    @Test func severalFieldsAreOneList() {
        #expect(Self.client(["203.0.113.9", "192.0.2.1", "10.0.0.2"]) == "192.0.2.1")
        #expect(Self.client(["192.0.2.1", "10.0.0.2, 10.0.0.3"]) == "192.0.2.1")
        #expect(Self.client(["192.0.2.1", "nonsense", "10.0.0.2"]) == "10.0.0.2")
    }

    @Test func nobodyIsBelievedUnlessTrusted() {
        #expect(Self.client(["192.0.2.1"], trusted: []) == "10.0.0.1")
        #expect(Self.client(["192.0.2.1"], peer: "198.51.100.1") == "198.51.100.1")
        #expect(Self.client(["192.0.2.1"], peer: "::1") == "::1")
        #expect(Self.client([], trusted: ["0.0.0.0/0"]) == "10.0.0.1")
    }

    @Test func aLongListTakesNoStack() {
        #expect(Self.client([String(repeating: "\"", count: 30_000)]) == "10.0.0.1")
        #expect(Self.client([String(repeating: "10.0.0.2,", count: 3_000)]) == "10.0.0.2")
    }
}
