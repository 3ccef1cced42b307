import HTTP
import Testing

@Suite struct TraceParentTests {
    private static let id = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let good = "00-\(id)-00f067aa0ba902b7-01"

    private func traceID(_ text: String) -> String? {
        let arena = Array(("xy" + text + "z").utf8)
        return TraceParent.traceID(arena.span, 2..<arena.count - 1).map { String(decoding: arena[$0], as: UTF8.self) }
    }

    @Test(arguments: [good, "00-\(id)-00f067aa0ba902b7-00", "00-\(id)-00f067aa0ba902b7-ff", "01-\(id)-00f067aa0ba902b7-01", "fe-\(id)-00f067aa0ba902b7-01-what-comes"])
    func aValidOneGivesItsTraceID(_ text: String) {
        #expect(traceID(text) == Self.id)
    }

    @Test("what a reader must not believe", arguments: [
        "", "00", good + "-", good + "-x", good + "0", good.dropLast() + "", "ff-\(id)-00f067aa0ba902b7-01", "00-\(id)-0000000000000000-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", "00-\(id)-00f067aa0ba902b7-0G",
        "00-\(id)-00F067AA0BA902B7-01", "0x-\(id)-00f067aa0ba902b7-01", "00_\(id)-00f067aa0ba902b7-01", "01-\(id)-00f067aa0ba902b7-01x", " " + good, "00-\(id)-00f067aa0ba902b7-1 ",
    ])
    func allElseIsNone(_ text: String) {
        #expect(traceID(text) == nil)
    }
}
