import Bytes
import Foundation
import Testing

@testable import Telemetry

/// The bytes of a line, and what a JSON parser makes of them.
func built(_ body: (inout JSONLine) -> Void) -> (bytes: [UInt8], object: [String: Any]?) {
    var line = JSONLine()
    line.begin()
    body(&line)
    line.end()
    let bytes = copy(line)
    return (bytes, (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any])
}

func copy(_ line: borrowing JSONLine) -> [UInt8] {
    let span = line.bytes
    return span.indices.map { span[$0] }
}

@Suite struct JSONLineTests {
    @Test func membersOfAllKinds() {
        let (bytes, _) = built { line in
            line.add("a", "text")
            line.add("b", UInt64.max)
            line.add("c", -5)
            line.add(null: "d")
            line.add("e", millisecondsOf: 12_345_678)
            line.add("f", literal: "x")
            line.add("g", Int.min)
        }
        #expect(String(decoding: bytes, as: UTF8.self)
            == #"{"a":"text","b":18446744073709551615,"c":-5,"d":null,"e":12.345,"f":"x","g":-9223372036854775808}"# + "\n")
    }

    @Test func timesHaveMilliseconds() {
        let (bytes, _) = built { line in
            line.add("a", WallTime(milliseconds: 1_767_323_045_007))
            line.add("b", WallTime(milliseconds: 1_767_323_045_999))
            line.add("c", WallTime(milliseconds: -1))
        }
        #expect(String(decoding: bytes, as: UTF8.self)
            == #"{"a":"2026-01-02T03:04:05.007Z","b":"2026-01-02T03:04:05.999Z","c":"1969-12-31T23:59:59.999Z"}"# + "\n")
    }

    @Test func everyByteAloneMakesValidJSON() {
        for byte in UInt8.min...UInt8.max {
            let (bytes, object) = built { $0.add("v", [byte, 0x61][...]) }
            let value = object?["v"] as? String
            #expect(value != nil, "byte \(byte)")
            #expect(value == (byte < 0x80 ? String(UnicodeScalar(byte)) + "a" : "\u{FFFD}a"), "byte \(byte)")
            #expect(bytes.dropLast().allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "byte \(byte)")
        }
    }

    static let sequences: [([UInt8], String)] = [
        (Array("企业微信 é 😀".utf8), "企业微信 é 😀"),
        ([0xC0, 0x80], "\u{FFFD}\u{FFFD}"),
        ([0xE0, 0x80, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"),
        ([0xED, 0xA0, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"),
        ([0xF4, 0x90, 0x80, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"),
        ([0xE4, 0xBC], "\u{FFFD}\u{FFFD}"),
        ([0xE4, 0x22, 0x5C], "\u{FFFD}\"\\"),
        ([0xC2, 0x85, 0xC2, 0xA0], "\u{85}\u{A0}"),
        ([0xFF, 0xFE], "\u{FFFD}\u{FFFD}"),
        (Array("\",\"decision\":\"allow".utf8), "\",\"decision\":\"allow"),
        (Array("a\r\n{\"event\":\"access\"}\u{1B}[31m".utf8), "a\r\n{\"event\":\"access\"}\u{1B}[31m"),
    ]

    @Test(arguments: sequences.indices)
    func sequencesAreKeptOrReplaced(index: Int) {
        let (input, expected) = Self.sequences[index]
        let (bytes, object) = built { $0.add("v", input[...]) }
        #expect(object?["v"] as? String == expected)
        #expect(object?.count == 1)
        #expect(bytes.filter { $0 == 0x0A }.count == 1)
        #expect(!bytes.contains(0x1B) && !zip(bytes, bytes.dropFirst()).contains { $0 == 0xC2 && $1 < 0xA0 }, "no control character is written raw")
    }

    @Test func longValuesAreCutAtTheLimitAndStayValid() {
        for lead in 0..<4 {
            let input = [UInt8](repeating: 0x61, count: JSONLine.valueLimit - lead) + Array("企企企企".utf8)
            let (bytes, object) = built { $0.add("v", input[...]) }
            let value = object?["v"] as? String
            #expect(value?.hasSuffix("…") == true)
            #expect(bytes.count <= JSONLine.valueLimit + 32)
        }
        let (_, object) = built { $0.add("v", String(repeating: "a", count: JSONLine.valueLimit)) }
        #expect((object?["v"] as? String)?.utf8.count == JSONLine.valueLimit)
    }

    @Test func noiseAlwaysMakesOneValidLine() {
        var random = UInt64(0x5EED)
        for _ in 0..<500 {
            let input = (0..<64).map { _ -> UInt8 in
                random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(truncatingIfNeeded: random >> 33)
            }
            let (bytes, object) = built { $0.add("v", input[...]) }
            // How many replacement characters stand for a broken sequence is a matter of taste.
            let kept = (object?["v"] as? String).map { $0.unicodeScalars.filter { $0 != "\u{FFFD}" } }
            let expected = String(decoding: input, as: UTF8.self).unicodeScalars.filter { $0 != "\u{FFFD}" }
            #expect(kept.map { Array($0) } == Array(expected))
            #expect(bytes.filter { $0 == 0x0A }.count == 1)
        }
    }

    @Test func anAccessRecordHasTheContractsColumns() {
        var record = AccessRecord()
        record.time = WallTime(milliseconds: 1_767_323_045_007)
        record.site = "wiki"
        record.status = 200
        record.decision = .allow
        record.rule = "6 /*"
        record.account = "zhangsan"
        record.sid = "s1"
        record.client = "192.0.2.1"
        record.version = "HTTP/2"
        record.bytesIn = 1
        record.bytesOut = 2
        record.durationNanoseconds = 1_500_000
        record.upstream = "http://127.0.0.1:8080"
        record.upstreamNanoseconds = 1_000_000
        var line = JSONLine()
        record.encode(
            requestID: Array("r1".utf8).span, traceID: Array("t1".utf8).span, host: Array("wiki.corp.example".utf8).span, method: Array("GET".utf8).span,
            target: Array("/a/%2F?token=secret".utf8).span, userAgent: [0xFF, 0x22].span, into: &line)
        let text = String(decoding: copy(line), as: UTF8.self)
        #expect(text == #"{"event":"access","time":"2026-01-02T03:04:05.007Z","request_id":"r1","trace_id":"t1","site":"wiki","host":"wiki.corp.example","#
            + #""method":"GET","path":"/a/%2F","status":200,"decision":"allow","rule":"6 /*","account":"zhangsan","sid":"s1","#
            + #""client":"192.0.2.1","user_agent":"\#u{FFFD}\"","protocol":"HTTP/2","bytes_in":1,"bytes_out":2,"duration_ms":1.500,"#
            + #""upstream":"http://127.0.0.1:8080","upstream_ms":1.000}"# + "\n")
        #expect(!text.contains("secret"))
        let nothing: [UInt8] = []
        AccessRecord().encode(requestID: nothing.span, traceID: nothing.span, host: nothing.span, method: nothing.span, target: nothing.span, userAgent: nothing.span, into: &line)
        let empty = try? JSONSerialization.jsonObject(with: Data(copy(line))) as? [String: Any]
        #expect(empty?.count == 20, "the same columns, empty")
        #expect(empty?["account"] is NSNull)
    }

    @Test func everyByteIsFoundWhereverItStandsAmongPlainOnes() {
        for byte in UInt8.min...UInt8.max {
            for place in 0..<17 {
                var value = [UInt8](repeating: 0x61, count: 17)
                value[place] = byte
                let (line, object) = built { $0.add("v", value[...]) }
                let expected = String(decoding: value, as: UTF8.self)
                #expect(object?["v"] as? String == expected, "\(byte) at \(place)")
                #expect(!line.dropLast().contains { $0 < 0x20 || $0 == 0x7F })
            }
        }
    }

    @Test func auditEventsLeaveOutWhatDoesNotApply() {
        var line = JSONLine()
        let event = AuditEvent(.loginFailed, connection: "corp", client: "192.0.2.1", result: "gone", errcode: 60111, api: "user/get")
        event.encode(into: &line, at: WallTime(seconds: 0))
        #expect(String(decoding: copy(line), as: UTF8.self)
            == #"{"event":"login_failed","time":"1970-01-01T00:00:00.000Z","connection":"corp","client":"192.0.2.1","result":"gone","#
            + #""api":"user/get","errcode":60111}"# + "\n")
        let names = ["login", "login_failed", "logout", "denied", "observed", "revoked", "gone", "reload", "key_rotated", "admin", "scan"]
        #expect(AuditEvent.Kind.allCases.map(\.rawValue) == names)
        #expect(AccessDecision.allCases.map { $0.name.description } == ["allow", "anyone", "login", "deny", "observed", "own", "refused"])
    }
}
