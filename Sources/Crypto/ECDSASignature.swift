/// An ECDSA signature on P-256 as the library writes it (DER, RFC 3279) and as JWTs carry it (r ‖ s, RFC 7518 section 3.4).
enum ECDSASignature {
    /// Appends r ‖ s, 64 bytes, to `out`; false (and nothing appended) where `der` is not such a signature.
    static func appendRaw(fromDER der: Span<UInt8>, to out: inout [UInt8]) -> Bool {
        guard der.count >= 8, der.count <= 72, der[0] == 0x30, Int(der[1]) == der.count - 2, let r = integer(der, at: 2),
            let s = integer(der, at: r.upperBound), s.upperBound == der.count
        else { return false }
        for range in [r, s] {
            var start = range.lowerBound + 2
            if range.upperBound - start == 33 { start += 1 }
            for _ in 0..<(32 - (range.upperBound - start)) { out.append(0) }
            for i in start..<range.upperBound { out.append(der[i]) }
        }
        return true
    }

    /// Where the INTEGER at `at` lies, header included: at most 32 significant bytes.
    private static func integer(_ der: Span<UInt8>, at: Int) -> Range<Int>? {
        guard at + 2 < der.count, der[at] == 0x02 else { return nil }
        let length = Int(der[at + 1])
        guard length >= 1, length <= 33, at + 2 + length <= der.count, length < 33 || der[at + 2] == 0 else { return nil }
        return at..<(at + 2 + length)
    }

    /// The DER form of r ‖ s; nil unless 64 bytes.
    static func der(fromRaw raw: [UInt8]) -> [UInt8]? {
        raw.count == 64 ? DER.sequence(DER.integer(raw[..<32]) + DER.integer(raw[32...])) : nil
    }
}
