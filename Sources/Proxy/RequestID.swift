/// The id of one request: 128 bits from a generator seeded by the kernel; unique, not secret.
public struct RequestID: Equatable, Sendable {
    /// The first and the last 16 digits.
    public let high: UInt64
    public let low: UInt64

    /// 32 lower-case hex digits.
    public var text: String { String(decoding: (0..<32).map { digits[$0] }, as: UTF8.self) }

    /// The same as bytes.
    public var digits: InlineArray<32, UInt8> {
        InlineArray { index in Self.digit((index < 16 ? high : low) >> (60 &- 4 &* UInt64(index & 15))) }
    }

    /// 16 digits that go with it and are never all zero: the id of the one span that is ours in a trace that begins here.
    var spanDigits: InlineArray<16, UInt8> {
        let span = high ^ low == 0 ? 1 : high ^ low
        return InlineArray { index in Self.digit(span >> (60 &- 4 &* UInt64(index))) }
    }

    @inline(__always) private static func digit(_ bits: UInt64) -> UInt8 {
        let nibble = UInt8(truncatingIfNeeded: bits & 15)
        return nibble < 10 ? 0x30 &+ nibble : 0x57 &+ nibble
    }
}

/// xoshiro256** (Blackman and Vigna): quick, long period. For ids only.
struct RequestIDGenerator {
    private var a: UInt64, b: UInt64, c: UInt64, d: UInt64

    init(seed: (UInt64, UInt64, UInt64, UInt64)) {
        (a, b, c, d) = seed
        if a | b | c | d == 0 { a = 1 }
    }

    mutating func next() -> RequestID { RequestID(high: word(), low: word()) }

    private mutating func word() -> UInt64 {
        func rotate(_ x: UInt64, _ k: UInt64) -> UInt64 { x << k | x >> (64 - k) }
        let result = rotate(b &* 5, 7) &* 9
        let t = b << 17
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= t
        d = rotate(d, 45)
        return result
    }
}
