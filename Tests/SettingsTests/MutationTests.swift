import Foundation
import Testing

@testable import Settings

@Suite struct MutationTests {
    /// A small generator with a fixed seed: a failure can be had again.
    private struct SplitMix: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private static let pieces = [
        "*a", "&a ", "<<: ", "- ", "? ", ": ", "{", "}", "[", "]", "'", "\"", "\"\\0\"", "null", "~", "99999999999999999999999", "-1", "0x", "\n", "\t", "  ", "#", "---\n",
        "...\n", "!!int ", "|\n", ">-\n", "%YAML 1.2\n", "x-", "https://", "\u{FEFF}", "企", "[::]:1", "/*", "{a", "9999999d",
    ].map { Array($0.utf8) }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func damagedConfigurationsAreReadOrRefusedAndNeverBoth(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let sample = Array((Sample.site("access: &a [ { path: /a/*, methods: [GET], allow: { users: [a] } } ]", "timeouts: { idle: 1h }", "identity: { headers: { X-A: \"{id}\" } }")
            + "site_defaults: { access: *a }\nsessions: { store: \"memory:\" }\n").utf8)
        for _ in 0..<150 {
            var bytes = sample
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...20, using: &random)))
                case 2: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 60)], at: Int.random(in: 0...at, using: &random))
                default: bytes.insert(contentsOf: Self.pieces.randomElement(using: &random) ?? [], at: at)
                }
            }
            let result = Configuration.parse(bytes, file: "/nonexistent/menwei.yaml")
            #expect((result.configuration == nil) == !result.faults.isEmpty, "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
            #expect(result.faults.allSatisfy { $0.line >= 1 && $0.column >= 1 && !$0.message.utf8.contains(0x0A) })
        }
    }

    @Test func textsMadeToBeSlowAreNot() {
        for piece in ["[", "{", "- ", "? ", "a: {", "&a ", "\"", "*a ", "a\n", "- - ", "[]: ", "'", "|", "!", "%", "x: 1\n"] {
            let text = String(repeating: piece, count: 200_000 / piece.utf8.count)
            #expect(!Configuration.parse(Array(text.utf8), file: "/nonexistent/menwei.yaml").faults.isEmpty)
        }
    }
}
