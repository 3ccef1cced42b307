import Access
import Bytes
import HTTP
import Testing

@testable import Portal

@Suite struct FlowValueTests {
    @Test func fieldsComeBackAsTheyWere() {
        let fields = ["", "a", "张三", String(repeating: "x", count: 70_000)]
        #expect(FieldList.decode(FieldList.encode(fields), count: 4) == fields)
        #expect(FieldList.decode(FieldList.encode(fields), count: 3) == nil)
        #expect(FieldList.decode(FieldList.encode(fields), count: 5) == nil)
    }

    @Test(arguments: [[0], [0, 0, 0, 1], [255, 255, 255, 255], [0, 0, 0, 1, 0xFF], [0, 0, 0, 2, 0x61]] as [[UInt8]])
    func brokenFieldsAreNone(_ bytes: [UInt8]) {
        #expect(FieldList.decode(bytes, count: 1) == nil)
    }

    @Test(arguments: [0, 1, 2])
    func aStateRemembersItsAttempt(_ attempt: Int) {
        let value = StateValue.make(random: Array(7..<21), attempt: attempt)
        #expect(StateValue.isWellFormed(value))
        #expect(StateValue.attempt(of: value) == attempt)
        #expect(StateValue.attempt(of: String(value.reversed())) == 0)
    }

    @Test(arguments: [
        ("a", "a"), ("/route?x=1", "/route?x=1"), ("%E4", "%E4"), ("a\r\nb", "a%0D%0Ab"), ("<\">", "%3C%22%3E"), ("张", "%E5%BC%A0"), ("a#b", "a%23b"),
        (String(repeating: "a", count: 2049), ""), ("", ""),
    ])
    func aFragmentMayStandInALocation(_ text: String, _ expected: String) {
        #expect(Journey.fragment(text) == expected)
    }

    @Test(arguments: [("0", 0), ("1", 1), ("2", 2), ("9", 2), ("-1", 0), ("99", 0), ("x", 0), ("", 0)])
    func theNumberOfTriesIsBounded(_ text: String, _ expected: Int) {
        #expect(Journey.attempt(text) == expected)
    }

    @Test(arguments: [(UInt64(500), "500 B"), (65536, "64 KiB"), (100 << 20, "100 MiB"), (1 << 30, "1 GiB"), (1_500_000, "1 MiB"), (1500, "1 KiB")])
    func sizesAreReadable(_ bytes: UInt64, _ expected: String) {
        #expect(RefusalSummary.size(bytes) == expected)
    }
}
