import Foundation
import Proxy
import Testing

@Suite struct KeptInputTests {
    /// Every input that the fuzzer began with, and every one that ever broke something.
    static let inputs: [URL] = {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fuzz")
        return ["Corpus", "Crashes"].flatMap { kind in
            (try? FileManager.default.contentsOfDirectory(at: folder.appendingPathComponent(kind + "/WebSocketFrames"), includingPropertiesForKeys: nil)) ?? []
        }
    }()

    @Test func thereAreKeptInputs() {
        #expect(!Self.inputs.isEmpty)
    }

    @Test(arguments: inputs)
    func everyKeptInputIsFollowedTheSameWayHoweverItIsCut(input: URL) throws {
        #expect(fuzzWebSocketFrames(Array(try Data(contentsOf: input))) == nil)
    }
}
