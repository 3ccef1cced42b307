import Testing

@testable import Simulator

@Suite struct TextTests {
    @Test func formsAreReadAsTheyAreWritten() {
        let form = Form("a=1&b=%E5%BC%A0+%2B&a=2&c&d=%zz%4&=x&&e=%00")
        #expect(form["a"] == "1")
        #expect(form["b"] == "张 +")
        #expect(form["c"] == "")
        #expect(form["d"] == "%zz%4")
        #expect(form["e"] == "\0")
        #expect(form["f"] == nil)
        #expect(form.pairs.count == 7)
    }

    @Test func addingReplacesWhatTheSimulatorAddedBefore() {
        #expect(Form("state=a%2Fb&sim_user=x").adding("sim_user", "a b&c") == "state=a%2Fb&sim_user=a%20b%26c")
    }

    @Test func JSONIsWrittenEscapedAndReadBack() {
        let value = JSON.members(["a": "\"\\\n\u{1}张", "b": .array([1, .bool(false), .null, .object([])])])
        #expect(String(decoding: value.bytes, as: UTF8.self) == "{\"a\":\"\\\"\\\\\\u000a\\u0001张\",\"b\":[1,false,null,{}]}")
        #expect(JSON(parsing: value.bytes) == value)
    }

    @Test func deepOrFractionalOrBrokenJSONIsRefused() {
        func nested(_ depth: Int) -> [UInt8] { [UInt8](repeating: 0x5B, count: depth) + [UInt8](repeating: 0x5D, count: depth) }
        #expect(JSON(parsing: nested(32)) != nil)
        #expect(JSON(parsing: nested(33)) == nil)
        for text in ["", "{", "1.5", "[1e400]", "{\"a\":99999999999999999999}", "\u{FEFF}nul"] { #expect(JSON(parsing: Array(text.utf8)) == nil) }
    }

    @Test func markupEscapesWhatIsPutIn() {
        let name = "<a href='x' title=\"y\">&\u{1}"
        #expect(("<b>\(name)</b>" as Markup).text == "<b>&lt;a href=&#39;x&#39; title=&quot;y&quot;&gt;&amp;\u{FFFD}</b>")
    }
}
