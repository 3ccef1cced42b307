import Foundation
import Testing

/// Inputs that fuzzers once broke something with, and those they begin from, hold for ever.
@Suite struct KeptInputTests {
    private func inputs(_ fuzzer: String) throws -> [(String, [UInt8])] {
        let fuzz = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fuzz")
        var inputs: [(String, [UInt8])] = []
        for kind in ["Corpus", "Crashes"] {
            let folder = fuzz.appending(path: kind).appending(path: fuzzer)
            guard FileManager.default.fileExists(atPath: folder.path) else { continue }
            for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
                inputs.append((file.lastPathComponent, Array(try Data(contentsOf: file))))
            }
        }
        return inputs
    }

    @Test(arguments: ["RequestParser", "ResponseParser", "Target", "Cookies", "WebSocketHandshake", "HTTP2Frames"]) func everyKeptInputHolds(_ fuzzer: String) throws {
        let checks = [
            "RequestParser": Checks.requests, "ResponseParser": Checks.responses, "Target": Checks.target, "Cookies": Checks.cookies,
            "WebSocketHandshake": Checks.handshake, "HTTP2Frames": Checks.http2Frames,
        ]
        let check = checks[fuzzer]
        let inputs = try inputs(fuzzer)
        #expect(inputs.count >= 4)
        for (name, bytes) in inputs { #expect(check?(bytes) == nil, "\(fuzzer)/\(name)") }
    }
}
