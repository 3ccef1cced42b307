import Foundation
import Testing
import WeCom

@Suite struct KeptInputTests {
    /// Every input that the fuzzer began with, and every one that ever broke something.
    static let inputs: [URL] = {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fuzz")
        return ["Corpus", "Crashes"].flatMap { kind in
            (try? FileManager.default.contentsOfDirectory(at: folder.appendingPathComponent(kind + "/Callback"), includingPropertiesForKeys: nil)) ?? []
        }
    }()

    @Test func thereAreKeptInputs() {
        #expect(!Self.inputs.isEmpty)
    }

    @Test(arguments: inputs)
    func everyKeptInputIsReadOrRefused(input: URL) throws {
        #expect(fuzzCallback(Array(try Data(contentsOf: input))) == nil)
    }
}
