/// A SHA-256 value, 32 bytes held in four words so that it hashes and compares without an array.
public struct Digest256: Hashable, Sendable {
    public var a: UInt64, b: UInt64, c: UInt64, d: UInt64

    /// Nil unless `bytes` are exactly 32.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        func word(_ at: Int) -> UInt64 { bytes[at..<at + 8].reduce(0) { $0 << 8 | UInt64($1) } }
        (a, b, c, d) = (word(0), word(8), word(16), word(24))
    }

    /// The 32 bytes, as SHA-256 writes them.
    public var bytes: [UInt8] {
        [a, b, c, d].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) } }
    }
}
