/// Some of a site's upstreams, by their place in its configuration.
public struct UpstreamSet: Equatable, Sendable {
    /// Upstreams that a site may have: one bit each.
    public static let capacity = 64

    var bits: UInt64 = 0

    init() {}
    init(bits: UInt64) { self.bits = bits }

    /// The first `count`, which is at least 1.
    static func first(_ count: Int) -> UpstreamSet { UpstreamSet(bits: .max >> UInt64(capacity - count)) }

    var isEmpty: Bool { bits == 0 }
    var count: Int { bits.nonzeroBitCount }
    func contains(_ index: Int) -> Bool { bits >> UInt64(index) & 1 == 1 }
    mutating func insert(_ index: Int) { bits |= 1 << UInt64(index) }
    mutating func remove(_ index: Int) { bits &= ~(1 << UInt64(index)) }
    func subtracting(_ other: UpstreamSet) -> UpstreamSet { UpstreamSet(bits: bits & ~other.bits) }

    /// What is left of it without `other`; where that is nothing, itself: better a doubtful upstream than none.
    func avoiding(_ other: UpstreamSet) -> UpstreamSet {
        let rest = subtracting(other)
        return rest.isEmpty ? self : rest
    }
}
