import Bytes
import HTTP
import Testing

@testable import Proxy

@Suite struct WebSocketKeyTests {
    private func fields(_ accept: String?) -> Fields {
        var fields = Fields()
        if let accept { fields.append("Sec-WebSocket-Accept", accept) }
        return fields
    }

    @Test func theExampleOfTheStandardFits() {
        let key = WebSocketKey(Array("the sample nonce".utf8))
        #expect(key.text == "dGhlIHNhbXBsZSBub25jZQ==")
        #expect(key.isAnswered(by: fields("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")))
        for wrong in ["s3pPLMBiTxaQ9kYGzzhZRbK+xOO=", "", "S3PPLMBITXAQ9KYGZZHZRBK+XOO=", nil] { #expect(!key.isAnswered(by: fields(wrong))) }
    }

    @Test func eachKeyIsNew() {
        let keys = (0..<100).compactMap { _ in WebSocketKey.random()?.text }
        #expect(Set(keys).count == 100 && keys.allSatisfy { Base64.decode($0)?.count == 16 })
    }
}

@Suite struct RecordPaceTests {
    @Test func oneInTenSecondsIsWrittenAndTellsOfTheRest() {
        var pace = RecordPace()
        func at(_ seconds: UInt64) -> Int? { pace.mayWrite(now: MonotonicTime(nanoseconds: seconds * 1_000_000_000)) }
        let said = [at(1), at(2), at(10), at(11), at(12), at(30)]
        #expect(said == [0, nil, nil, 2, nil, 1])
    }
}
