import Access
import HTTP
import Testing

@Suite struct HopTests {
    private let via = ViaName(token: 0x1A2B3C4D)
    private static let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    private func judge(_ list: [(String, String)]) throws -> RequestHygiene {
        let judge = RequestHygiene(Hygiene(identityHeaders: []), via: via)
        try judge.begin(fields(list))
        return judge
    }

    @Test func itsLineNamesTheVersionThatWasReceived() {
        #expect(via.line(received: .http10) == Array("Via: 1.0 menwei-1a2b3c4d\r\n".utf8))
        #expect(via.line(received: .http11) == Array("Via: 1.1 menwei-1a2b3c4d\r\n".utf8))
        #expect(via.line(received: .http2) == Array("Via: 2.0 menwei-1a2b3c4d\r\n".utf8))
        #expect(ViaName(token: 7).text == "menwei-00000007")
    }

    @Test("T-134: a request that was here before is recognised", arguments: [
        ["1.1 menwei-1a2b3c4d"], ["1.0 fred, 1.1 menwei-1a2b3c4d (x), 1.1 nginx"], ["1.0 fred", "1.1 MENWEI-1A2B3C4D"], ["HTTP/1.1 menwei-1a2b3c4d:8080"],
    ])
    func aLoop(_ values: [String]) throws {
        #expect(try judge(values.map { ("Via", $0) }).isLoop)
    }

    @Test(arguments: [[], ["1.1 menwei-1a2b3c4e"], ["1.1 menwei"], ["1.1 1a2b3c4d"], [""], ["1.1 menwei-1a2b3c4", "d"]]) func noLoop(_ values: [String]) throws {
        #expect(try !judge(values.map { ("Via", $0) }).isLoop)
    }

    @Test func whatOneRequestSaidIsForgottenWithTheNext() throws {
        let judge = try judge([("Via", "1.1 menwei-1a2b3c4d"), ("traceparent", Self.trace)])
        try judge.begin(fields([]))
        #expect(!judge.isLoop && judge.traceID == nil)
    }

    @Test func aValidTraceGoesOnAsItCame() throws {
        let list = [("traceparent", Self.trace), ("tracestate", "a=b"), ("TraceState", "c=d")]
        let judge = try judge(list)
        #expect(fields(list).entries.allSatisfy { judge.verdict($0, in: fields(list)) == .keep })
        #expect(judge.traceID != nil)
    }

    @Test("of a trace that cannot be read nothing goes on", arguments: [
        [("traceparent", "00-0-0-0"), ("tracestate", "a=b")], [("tracestate", "a=b")], [("traceparent", Self.trace), ("Traceparent", Self.trace)],
        [("Connection", "traceparent"), ("traceparent", Self.trace), ("tracestate", "a=b")],
    ] as [[(String, String)]])
    func aTraceThatCannotBeRead(_ list: [(String, String)]) throws {
        let judge = try judge(list)
        #expect(judge.traceID == nil)
        #expect(fields(list).entries.allSatisfy { judge.verdict($0, in: fields(list)) == .drop })
    }
}
