private import Bytes

extension CanonicalTarget {
    /// How an application may treat `;x`.
    private enum Cut: CaseIterable {
        case never
        /// From `;` to the next `/` as they came, before decoding.
        case beforeDecoding
        /// From `;` to the next `/`, however either was spelled.
        case afterDecoding
        /// From the first `;` to the end of the path.
        case rest
    }

    /// Every path that an application may see, `path` first, none twice: one where nothing is ambiguous, never more than eight. A `%2F`
    /// that is taken for no slash stays `%2F`.
    public func readings() -> [[UInt8]] {
        var readings = [path]
        guard isAmbiguous else { return readings }
        for slash in [true, false] {
            for cut in Cut.allCases {
                let reading = reading(slash: slash, cut: cut)
                if !readings.contains(reading) { readings.append(reading) }
            }
        }
        return readings
    }

    private func reading(slash: Bool, cut: Cut) -> [UInt8] {
        var reading: [UInt8] = []
        var isCutting = false
        var at = 0
        while at < forwardedPathLength {
            let isEscaped = forwarded[at] == UInt8(ascii: "%")
            let byte = isEscaped ? Hex.value(forwarded[at + 1])! << 4 | Hex.value(forwarded[at + 2])! : forwarded[at]
            at += isEscaped ? 3 : 1
            switch byte {
            case UInt8(ascii: "/") where !isEscaped || slash:
                // What is cut before decoding ends at a slash that came as one.
                if isCutting, isEscaped, cut == .beforeDecoding { continue }
                isCutting = false
                if reading.last != byte { reading.append(byte) }
            case UInt8(ascii: ";") where cut == .rest:
                return reading
            case UInt8(ascii: ";") where cut == .afterDecoding || cut == .beforeDecoding && !isEscaped:
                isCutting = true
            case _ where isCutting: continue
            case UInt8(ascii: "/"): reading.append(contentsOf: "%2F".utf8)
            default: reading.append(byte)
            }
        }
        return reading
    }
}
