import Bytes
import Testing

@Suite struct HexTests {
    @Test func bytesSurviveTheRoundTrip() {
        let bytes = (0...255).map { UInt8($0) }
        #expect(Hex.encode([0x00, 0x9a, 0xff]) == "009aff")
        #expect(Hex.decode(Hex.encode(bytes)) == bytes)
        #expect(Hex.decode("00FFaB") == [0, 255, 0xab])
    }

    @Test(arguments: ["0", "0g", "0x", " 00", "0-", "é"]) func whatIsNotHexIsRefused(_ text: String) {
        #expect(Hex.decode(text) == nil)
    }
}

@Suite struct Base64Tests {
    /// RFC 4648 section 10
    @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy")])
    func theVectorsOfTheStandardHold(_ plain: String, _ coded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == coded)
        #expect(Base64.decode(coded) == Array(plain.utf8))
        let bare = coded.filter { $0 != "=" }
        #expect(Base64URL.encode(Array(plain.utf8)) == bare)
        #expect(Base64URL.decode(bare) == Array(plain.utf8))
    }

    @Test func everyLengthSurvivesTheRoundTrip() {
        for count in 0..<70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ 203) }
            #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
        }
        #expect(Base64URL.encode([0xfb, 0xff]) == "-_8")
        #expect(Base64.encode([0xfb, 0xff]) == "+/8=")
    }

    @Test(arguments: ["A", "Zg==", "Zh", "Zm9", "a+b/", "ab c", "Zg\n", "AAAAA"]) func aSecondSpellingOfAValueIsRefused(_ text: String) {
        #expect(Base64URL.decode(text) == nil)
    }

    @Test(arguments: ["Zg", "Zg=", "Zh==", "Z===", "====", "Zg==Zg==", "-_8="]) func paddingIsStrict(_ text: String) {
        #expect(Base64.decode(text) == nil)
    }
}

@Suite struct PercentTests {
    @Test func onlyUnreservedCharactersStay() {
        #expect(Percent.encodeQueryValue("aZ0-._~ /?&=%+#张") == "aZ0-._~%20%2F%3F%26%3D%25%2B%23%E5%BC%A0")
    }

    @Test func decodingHappensOnce() {
        let bytes = Array("a%2Fb%252e+%ff".utf8)
        #expect(Percent.decode(bytes[...]) == Array("a/b%2e+".utf8) + [0xff])
        #expect(Percent.decode(bytes[1..<4]) == [0x2f])
    }

    @Test(arguments: ["%", "%2", "a%zz", "%%20", "%-1", "%+1"]) func aHalfEscapeIsRefused(_ text: String) {
        #expect(Percent.decode(Array(text.utf8)[...]) == nil)
    }
}

@Suite struct DateTests {
    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"), (0, "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT", "2000-02-29T00:00:00Z"), (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT", "2100-03-01T00:00:00Z"),
        (2_147_483_648, "Tue, 19 Jan 2038 03:14:08 GMT", "2038-01-19T03:14:08Z"), (-1, "Wed, 31 Dec 1969 23:59:59 GMT", "1969-12-31T23:59:59Z"),
    ]) func knownMomentsAreWrittenRight(_ seconds: Int64, _ http: String, _ rfc3339: String) {
        let time = WallTime(seconds: seconds)
        #expect(HTTPDate.format(time) == http)
        #expect(RFC3339.format(time) == rfc3339)
        #expect(RFC3339.parse(rfc3339) == time)
    }

    @Test func everyDayOfFourHundredYearsSurvivesTheRoundTrip() {
        for day in stride(from: Int64(-80_000), to: 80_000, by: 7) {
            let time = WallTime(milliseconds: day * 86_400_000 + 45_296_789)
            #expect(RFC3339.parse(RFC3339.format(time, milliseconds: true)) == time)
        }
    }

    @Test func offsetsAndFractionsAreRead() {
        #expect(RFC3339.parse("2026-01-02T03:04:05+08:00") == RFC3339.parse("2026-01-01T19:04:05Z"))
        #expect(RFC3339.parse("2026-01-01t19:04:05.5-00:30") == RFC3339.parse("2026-01-01T19:34:05.500Z"))
        #expect(RFC3339.parse("1970-01-01T00:00:00.123456789Z")?.milliseconds == 123)
        #expect(RFC3339.format(WallTime(milliseconds: -1), milliseconds: true) == "1969-12-31T23:59:59.999Z")
    }

    @Test(arguments: [
        "", "2026-01-02", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-02T24:00:00Z",
        "2026-01-02T03:60:05Z", "2026-01-02T03:04:60Z", "2026-01-02T03:04:05", "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05+0800", "2026-01-02 03:04:05Z",
        "2026-01-02T03:04:05Zx", "+026-01-02T03:04:05Z", "2026-01-02T03:04:05.1234567890Z",
    ]) func whatIsNoTimeIsRefused(_ text: String) {
        #expect(RFC3339.parse(text) == nil)
    }

    @Test func timesBeyondFourDigitsAreHeldAtTheEdge() {
        #expect(RFC3339.format(WallTime(milliseconds: .max)) == "9999-12-31T23:59:59Z")
        #expect(RFC3339.format(WallTime(milliseconds: .min)) == "0000-01-01T00:00:00Z")
    }
}
