import Access
import Foundation
import Testing

@Suite struct KeptInputTests {
    /// Every input that the fuzzer of that name began with, and every one that ever broke something.
    static func inputs(_ name: String) -> [URL] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fuzz")
        return ["Corpus", "Crashes"].flatMap { kind in
            (try? FileManager.default.contentsOfDirectory(at: folder.appendingPathComponent("\(kind)/\(name)"), includingPropertiesForKeys: nil)) ?? []
        }
    }

    @Test func thereAreKeptInputs() {
        #expect(!Self.inputs("ReturnAddress").isEmpty)
    }

    @Test(arguments: inputs("ReturnAddress")) func everyKeptAddressIsJudgedWell(input: URL) throws {
        #expect(fuzzReturnAddress(Array(try Data(contentsOf: input))) == nil)
    }
}
