import Bytes
import Testing

@Suite struct IPAddressTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("::", "::"), ("::1", "::1"), ("1::", "1::"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"), ("2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
        ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
        ("::ffff:192.0.2.1", "192.0.2.1"), ("::FFFF:c000:201", "192.0.2.1"), ("64:ff9b::192.0.2.1", "64:ff9b::c000:201"), ("fe80::1:0:0:1", "fe80::1:0:0:1"),
        ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"), ("0001:0002::", "1:2::"),
    ])
    func everyFormIsReadAndOneIsWritten(_ text: String, _ canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.04", "1..2.3", "1.2.3.", ".1.2.3", "1.2.3.4 ", " 1.2.3.4", "+1.2.3.4", "0x1.2.3.4", "1.2.3.4:80",
        ":", ":::", "1:::2", "1::2::3", ":1", "1:", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "12345::", "g::", "[::1]", "fe80::1%eth0",
        "1:2:3:4:5:6:7:1.2.3.4", "1.2.3.4::", "::1.2.3.4:5", "::1.2.3", "::256.1.1.1", "localhost", "\u{FF11}.2.3.4", "1::2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:",
    ])
    func anythingElseIsNoAddress(_ text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func bytesAreReadInNetworkOrder() {
        #expect(IPAddress(bytes: [192, 0, 2, 1].span)?.description == "192.0.2.1")
        #expect(IPAddress(bytes: [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1].span)?.description == "2001:db8::1")
        #expect(IPAddress(bytes: [1, 2, 3, 4, 5].span) == nil)
    }

    @Test func aHostIsCountedOnceWhateverOfItsAddressesItUses() {
        #expect(IPAddress("2001:db8:0:1::1")?.neighbourhood == IPAddress("2001:db8:0:1:ffff::2")?.neighbourhood)
        #expect(IPAddress("2001:db8:0:1::1")?.neighbourhood != IPAddress("2001:db8:0:2::1")?.neighbourhood)
        #expect(IPAddress("192.0.2.1")?.neighbourhood != IPAddress("192.0.2.2")?.neighbourhood)
    }
}

@Suite struct IPNetworkTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false), ("10.1.2.3/8", "10.9.9.9", true), ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false),
        ("192.0.2.128/25", "192.0.2.128", true), ("192.0.2.128/25", "192.0.2.127", false), ("0.0.0.0/0", "203.0.113.9", true), ("0.0.0.0/0", "::1", false), ("::/0", "::1", true),
        ("::/0", "10.0.0.1", false), ("2001:db8::/33", "2001:db8:7fff::1", true), ("2001:db8::/33", "2001:db8:8000::", false), ("2001:db8::/64", "2001:db8::ffff", true),
        ("2001:db8::/65", "2001:db8::8000:0:0:0", false), ("::1/128", "::1", true), ("::1/128", "::2", false), ("10.0.0.0/8", "::ffff:10.0.0.1", true),
        ("::ffff:10.0.0.0/104", "10.1.1.1", true), ("::ffff:0:0/96", "192.0.2.1", true), ("::ffff:10.0.0.0/104", "11.1.1.1", false), ("192.0.2.1/32", "192.0.2.1", true),
    ])
    func aNetworkHoldsWhatBeginsLikeIt(_ network: String, _ address: String, _ holds: Bool) throws {
        #expect(try #require(IPNetwork(network)).contains(try #require(IPAddress(address))) == holds)
    }

    @Test(arguments: ["", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/00", "10.0.0.0/8/8", "::/129", "::ffff:10.0.0.0/90", "10.0.0.0/ 8", "10/8", "example.com/8", "10.0.0.0/+8"])
    func anythingElseIsNoNetwork(_ text: String) {
        #expect(IPNetwork(text) == nil)
    }

    @Test func itIsWrittenWithItsFirstAddress() {
        #expect(IPNetwork("10.1.2.3/8")?.description == "10.0.0.0/8")
        #expect(IPNetwork("2001:db8::1/32")?.description == "2001:db8::/32")
        #expect(IPNetwork("::ffff:10.0.0.1")?.description == "10.0.0.1/32")
    }

    @Test func noNetworksHoldNobody() {
        let none: [IPNetwork] = []
        #expect(!none.contains(address: IPAddress("10.0.0.1")!))
    }
}
