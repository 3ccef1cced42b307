import Testing

@testable import Settings

@Suite struct ValueTests {
    @Test(arguments: [
        ("90s", 90), ("15m", 900), ("12h", 43200), ("7d", 604_800), ("0", 0), ("0s", 0), ("3650d", 315_360_000),
    ] as [(String, Int)])
    func durationsAreRead(text: String, seconds: Int) {
        #expect(DurationText.parse(text) == .seconds(seconds))
    }

    @Test(arguments: ["", "90", "s", "-1s", "+1s", "1.5h", "1 h", "1h30m", "3651d", "99999999999999999999s", "18446744073709551615d", "1w", "1S", "1ms", "٣s"])
    func whatIsNoDurationIsRefused(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(arguments: [(Duration.seconds(90), "90s"), (.seconds(120), "2m"), (.seconds(43200), "12h"), (.seconds(86400), "1d"), (.zero, "0s")])
    func durationsAreWrittenInTheLargestUnit(duration: Duration, text: String) {
        #expect(DurationText.format(duration) == text)
    }

    @Test(arguments: [("0", 0), ("1", 1), ("64KiB", 65536), ("10MiB", 10 << 20), ("2GiB", 2 << 30), ("9223372036854775807", UInt64(Int64.max))] as [(String, UInt64)])
    func sizesAreRead(text: String, bytes: UInt64) {
        #expect(SizeText.parse(text) == bytes)
    }

    @Test(arguments: ["", "10MB", "10 MiB", "-1", "1.5MiB", "18446744073709551615", "18446744073709551616", "99999999TiB", "KiB", "10mib"])
    func whatIsNoSizeIsRefused(text: String) {
        #expect(SizeText.parse(text) == nil)
    }

    @Test(arguments: [("0.0.0.0:8443", "0.0.0.0", 8443), ("[::]:443", "::", 443), ("[::1]:65535", "::1", 65535), ("127.0.0.1:1", "127.0.0.1", 1)] as [(String, String, UInt16)])
    func addressesAreRead(text: String, host: String, port: UInt16) throws {
        let address = try ListenAddress.parse(text).get()
        #expect(address == ListenAddress(host: host, port: port))
        #expect(address.text == text)
    }

    @Test(arguments: [
        "", "8443", ":8443", "0.0.0.0", "0.0.0.0:", "0.0.0.0:0", "0.0.0.0:65536", "0.0.0.0:080", "localhost:80", "::1:80", "[::1]", "[::g]:80", "1.2.3:80",
        "1.2.3.4.5:80", "0.0.0.0:-1", "0.0.0.0:+80", "[127.0.0.1]:80", "01.2.3.4:80", "[::1]x:80",
    ])
    func whatIsNoAddressIsRefused(text: String) {
        #expect(throws: ListenAddress.Problem.self) { try ListenAddress.parse(text).get() }
    }

    @Test(arguments: [
        ("orgin", "origin"), ("Origin", "origin"), ("upstram", "upstream"), ("upstreans", "upstreams"), ("hostheader", "host_header"), ("host-header", "host_header"),
        ("acces", "access"), ("idd", "id"), ("timeout", "timeouts"), ("iorigin", "origin"), ("rogiin", "origin"),
    ])
    func theNearestWordIsSuggested(word: String, nearest: String) {
        let words = ["id", "origin", "path", "upstream", "upstreams", "host_header", "access", "timeouts", "identity"]
        #expect(Suggestion.nearest(to: word, among: words) == nearest)
    }

    @Test(arguments: ["", "colour", "xy", "pa", "originally", "_", "--"])
    func nothingFarIsSuggested(word: String) {
        #expect(Suggestion.nearest(to: word, among: ["id", "origin", "path", "upstream"]) == nil)
    }

    @Test func messagesShowValuesShortAndOnOneLine() {
        #expect(quoted("a\nb\u{1B}[0m") == "\"a\\u{a}b\\u{1b}[0m\"")
        #expect(quoted(String(repeating: "x", count: 100)).count == 63)
    }
}
