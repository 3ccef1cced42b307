import Bytes

/// The id of one request: 128 bits from a generator seeded by the kernel; unique, not secret.
public struct RequestID: Equatable, Sendable {
    /// The first and the last 16 digits.
    public let high: UInt64
    public let low: UInt64

    /// 32 lower-case hex digits.
    public var text: String {
        unsafe String(unsafeUninitializedCapacity: 32) { buffer in
            for i in 0..<16 {
                unsafe buffer[i] = Self.digit(high >> (60 - 4 * UInt64(i)))
                unsafe buffer[i + 16] = Self.digit(low >> (60 - 4 * UInt64(i)))
            }
            return 32
        }
    }

    func append(to queue: inout ByteQueue) {
        for shift in stride(from: UInt64(60), through: 0, by: -4) { queue.append(Self.digit(high >> shift)) }
        for shift in stride(from: UInt64(60), through: 0, by: -4) { queue.append(Self.digit(low >> shift)) }
    }

    /// 16 digits that go with it and are never all zero: the id of the one span that is ours in a trace that begins here.
    func appendSpan(to queue: inout ByteQueue) {
        let span = high ^ low == 0 ? 1 : high ^ low
        for shift in stride(from: UInt64(60), through: 0, by: -4) { queue.append(Self.digit(span >> shift)) }
    }

    @inline(__always) static func digit(_ bits: UInt64) -> UInt8 {
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
