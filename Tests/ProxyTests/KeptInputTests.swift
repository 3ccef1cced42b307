import Foundation
import Proxy
import Testing

@Suite struct KeptInputTests {
    /// Every input that the fuzzer of that name began with, and every one that ever broke something.
    static func inputs(_ name: String) -> [URL] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fuzz")
        return ["Corpus", "Crashes"].flatMap { kind in
            (try? FileManager.default.contentsOfDirectory(at: folder.appendingPathComponent("\(kind)/\(name)"), includingPropertiesForKeys: nil)) ?? []
        }
    }

    @Test(arguments: ["WebSocketFrames", "ProxyProtocol"]) func thereAreKeptInputs(of name: String) {
        #expect(!Self.inputs(name).isEmpty)
    }

    @Test(arguments: inputs("WebSocketFrames")) func everyKeptInputIsFollowedTheSameWayHoweverItIsCut(input: URL) throws {
        #expect(fuzzWebSocketFrames(Array(try Data(contentsOf: input))) == nil)
    }

    @Test(arguments: inputs("ProxyProtocol")) func everyKeptInputIsReadTheSameWayHoweverItComes(input: URL) throws {
        #expect(fuzzProxyProtocol(Array(try Data(contentsOf: input))) == nil)
    }
}
