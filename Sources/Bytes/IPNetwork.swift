/// The addresses that begin with the same bits: `10.0.0.0/8`, `2001:db8::/32` (RFC 4632). A network of one family holds no address of the other.
public struct IPNetwork: Hashable, Sendable, CustomStringConvertible {
    private let first: IPAddress
    /// Of the 128 bits of IPv6's form.
    private let bits: Int

    /// Bits behind `prefix` (0–32, or 0–128) are ignored. Nil where there are not that many.
    public init?(_ address: IPAddress, prefix: Int) {
        let bits = address.isIPv4 ? prefix + 96 : prefix
        guard prefix >= 0, bits <= 128 else { return nil }
        self.bits = bits
        first = Self.head(of: address, bits)
    }

    /// `10.0.0.0/8`, `::1/128`; a bare address is a network of one. The IPv6 form of an IPv4 network is that network.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let literal = Array(parts[0].utf8)
        guard let address = IPAddress(text: literal.span) else { return nil }
        // As it was written: /96 of `::ffff:0:0` are all of IPv4.
        let isMapped = address.isIPv4 && literal.contains(0x3A)
        let width = address.isIPv4 && !isMapped ? 32 : 128
        var prefix = width
        if parts.count == 2 {
            guard (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let number = Int(parts[1]), number <= width,
                number == 0 ? parts[1].utf8.count == 1 : !parts[1].hasPrefix("0")
            else { return nil }
            prefix = number
        }
        if isMapped {
            guard prefix >= 96 else { return nil }
            prefix -= 96
        }
        self.init(address, prefix: prefix)
    }

    public func contains(_ address: IPAddress) -> Bool {
        address.isIPv4 == first.isIPv4 && Self.head(of: address, bits) == first
    }

    /// `10.0.0.0/8`: the first address and how many bits count.
    public var description: String { "\(first)/\(first.isIPv4 ? bits - 96 : bits)" }

    /// Whether `address` is the network's first: `10.1.2.3/8` is more often a slip than meant.
    public func begins(with address: IPAddress) -> Bool { address == first }

    private static func head(of address: IPAddress, _ bits: Int) -> IPAddress {
        func kept(_ value: UInt64, _ bits: Int) -> UInt64 { bits <= 0 ? 0 : bits >= 64 ? value : value & ~(.max >> UInt64(bits)) }
        return IPAddress(high: kept(address.high, bits), low: kept(address.low, bits - 64))
    }
}

extension [IPNetwork] {
    /// Whether any of them holds `address`; of none, none.
    public func contains(address: IPAddress) -> Bool { contains { $0.contains(address) } }
}
