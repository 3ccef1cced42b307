/// An IP address, IPv4 or IPv6, as a value that takes no memory of its own. An IPv4 address in IPv6's form (`::ffff:192.0.2.1`) is that IPv4 address:
/// which of the two sockets a client came in by makes it no other client.
public struct IPAddress: Hashable, Sendable {
    /// The 16 bytes in network order; an IPv4 address stands in its IPv6 form.
    let high: UInt64
    let low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    init(ipv4 value: UInt32) { self.init(high: 0, low: Self.mapped | UInt64(value)) }

    private static let mapped: UInt64 = 0xFFFF_0000_0000

    /// 127.0.0.1
    public static let loopback = IPAddress(ipv4: 0x7F00_0001)

    public var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }

    /// 4 or 16 bytes in network order; nil for any other count.
    public init?(bytes: Span<UInt8>) {
        func number(_ range: Range<Int>) -> UInt64 {
            var value: UInt64 = 0
            for at in range { value = value << 8 | UInt64(bytes[at]) }
            return value
        }
        switch bytes.count {
        case 4: self.init(ipv4: UInt32(truncatingIfNeeded: number(0..<4)))
        case 16: self.init(high: number(0..<8), low: number(8..<16))
        default: return nil
        }
    }

    /// What counts as one client where clients are counted: the address itself, of IPv6 its /64, of which a single host has all addresses.
    public var neighbourhood: IPAddress { isIPv4 ? self : IPAddress(high: high, low: 0) }
}

// MARK: reading

extension IPAddress {
    /// The usual text form without brackets, port or zone: dotted decimal without leading zeros, or RFC 4291 section 2.2. Nil for anything else.
    public init?(text: Span<UInt8>) {
        if let value = Self.ipv4(text) {
            self.init(ipv4: value)
        } else if let address = Self.ipv6(text) {
            self = address
        } else {
            return nil
        }
    }

    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        self.init(text: bytes.span)
    }

    /// Four numbers from 0 to 255 without leading zeros, which some read as octal.
    private static func ipv4(_ text: Span<UInt8>) -> UInt32? {
        if text.count < 7 || text.count > 15 { return nil }
        var value: UInt32 = 0
        var parts = 0
        var part: UInt32 = 0
        var digits = 0
        for at in 0...text.count {
            if at < text.count, text[at] != 0x2E {
                guard text[at] >= 0x30, text[at] <= 0x39, !(digits > 0 && part == 0) else { return nil }
                part = part * 10 + UInt32(text[at] - 0x30)
                digits += 1
                if part > 255 { return nil }
            } else {
                if digits == 0 || parts == 4 { return nil }
                value = value << 8 | part
                parts += 1
                part = 0
                digits = 0
            }
        }
        return parts == 4 ? value : nil
    }

    private static func ipv6(_ text: Span<UInt8>) -> IPAddress? {
        if text.count < 2 || text.count > 45 { return nil }
        var groups = Groups()
        // How many groups stand before `::`.
        var gap: Int?
        var at = 0
        if text[0] == 0x3A {
            guard text[1] == 0x3A else { return nil }
            gap = 0
            at = 2
        }
        while at < text.count {
            var end = at
            while end < text.count, text[end] != 0x3A { end += 1 }
            if end == text.count, let four = ipv4(text.extracting(at..<end)) {
                guard groups.count <= 6 else { return nil }
                groups.append(UInt16(truncatingIfNeeded: four >> 16))
                groups.append(UInt16(truncatingIfNeeded: four))
                break
            }
            guard groups.count < 8, let group = hex(text.extracting(at..<end)) else { return nil }
            groups.append(group)
            if end == text.count { break }
            at = end + 1
            if at == text.count { return nil }
            if text[at] == 0x3A {
                if gap != nil { return nil }
                gap = groups.count
                at += 1
            }
        }
        return groups.address(gap: gap)
    }

    private static func hex(_ text: Span<UInt8>) -> UInt16? {
        if text.isEmpty || text.count > 4 { return nil }
        var value: UInt16 = 0
        for at in 0..<text.count {
            switch text[at] {
            case 0x30...0x39: value = value << 4 | UInt16(text[at] - 0x30)
            case 0x41...0x46: value = value << 4 | UInt16(text[at] - 0x37)
            case 0x61...0x66: value = value << 4 | UInt16(text[at] - 0x57)
            default: return nil
            }
        }
        return value
    }

    /// The groups of an IPv6 address as they are read.
    private struct Groups {
        private var high: UInt64 = 0
        private var low: UInt64 = 0
        private(set) var count = 0

        mutating func append(_ group: UInt16) {
            high = high << 16 | low >> 48
            low = low << 16 | UInt64(group)
            count += 1
        }

        /// `::` stands for at least one group of zeros, behind the first `gap`.
        func address(gap: Int?) -> IPAddress? {
            guard let gap else { return count == 8 ? IPAddress(high: high, low: low) : nil }
            if count > 7 { return nil }
            // The groups behind the gap stay where they are, those before it move up.
            let behind = Self.mask(groups: count - gap)
            let before = Self.shift((high & ~behind.high, low & ~behind.low), groups: 8 - count)
            return IPAddress(high: before.high | high & behind.high, low: before.low | low & behind.low)
        }

        /// Ones in the last `groups` groups.
        private static func mask(groups: Int) -> (high: UInt64, low: UInt64) {
            let bits = groups * 16
            return bits >= 64 ? (bits >= 128 ? .max : (1 << (bits - 64)) - 1, .max) : (0, (1 << bits) - 1)
        }

        private static func shift(_ value: (high: UInt64, low: UInt64), groups: Int) -> (high: UInt64, low: UInt64) {
            let bits = groups * 16
            if bits >= 64 { return (value.low << (bits - 64), 0) }
            return bits == 0 ? value : (value.high << bits | value.low >> (64 - bits), value.low << bits)
        }
    }
}

// MARK: writing

extension IPAddress: CustomStringConvertible {
    /// The one text form (RFC 5952): `192.0.2.1`, `2001:db8::1`.
    public var description: String {
        if isIPv4 { return (0..<4).map { String(UInt8(truncatingIfNeeded: low >> (24 - UInt64($0) * 8))) }.joined(separator: ".") }
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> (48 - UInt64($0 % 4) * 16)) }
        // The first of the longest runs of two or more groups of zeros.
        var run = 0..<0
        var start = 0
        for at in 0...8 where at == 8 || groups[at] != 0 {
            if at - start > max(run.count, 1) { run = start..<at }
            start = at + 1
        }
        func text(_ range: Range<Int>) -> String { groups[range].map { String($0, radix: 16) }.joined(separator: ":") }
        return run.isEmpty ? text(0..<8) : text(0..<run.lowerBound) + "::" + text(run.upperBound..<8)
    }
}
