/// Numbers as text. What does not fit is nil, never a trap.
enum NumberText {
    /// YAML's whole numbers: decimal, `0x…`, `0o…`, with a sign before the decimal ones.
    static func integer(_ text: String) -> Int? {
        if text.hasPrefix("0x") { return Int(text.dropFirst(2), radix: 16) }
        if text.hasPrefix("0o") { return Int(text.dropFirst(2), radix: 8) }
        return Int(text)
    }

    /// Digits and what follows them; nil without digits, or where they overflow.
    static func leading(_ text: String) -> (value: UInt64, rest: Substring)? {
        let digits = text.utf8.prefix(while: ASCII.isDigit)
        guard !digits.isEmpty, let value = UInt64(String(decoding: digits, as: UTF8.self)) else { return nil }
        return (value, text[digits.endIndex...])
    }
}

/// `90s`, `15m`, `12h`, `7d`, and a plain 0.
enum DurationText {
    /// Ten years: beyond it something is mistyped, and nothing that adds durations overflows.
    static let maximum = Duration.seconds(3650 * 86400)

    static func parse(_ text: String) -> Duration? {
        guard let (value, unit) = NumberText.leading(text) else { return nil }
        let factor: UInt64
        switch unit {
        case "s": factor = 1
        case "m": factor = 60
        case "h": factor = 3600
        case "d": factor = 86400
        case "": return value == 0 ? .zero : nil
        default: return nil
        }
        let (seconds, overflow) = value.multipliedReportingOverflow(by: factor)
        guard !overflow, seconds <= 3650 * 86400 else { return nil }
        return .seconds(Int64(seconds))
    }

    /// In the largest unit that leaves no rest.
    static func format(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        for (factor, unit) in [(86400, "d"), (3600, "h"), (60, "m")] as [(Int64, String)] where seconds != 0 && seconds % factor == 0 {
            return "\(seconds / factor)\(unit)"
        }
        return "\(seconds)s"
    }
}

/// `64KiB`, `10MiB`, `2GiB`, or plain bytes.
enum SizeText {
    static func parse(_ text: String) -> UInt64? {
        guard let (value, unit) = NumberText.leading(text) else { return nil }
        let factor: UInt64
        switch unit {
        case "", "B": factor = 1
        case "KiB": factor = 1 << 10
        case "MiB": factor = 1 << 20
        case "GiB": factor = 1 << 30
        case "TiB": factor = 1 << 40
        default: return nil
        }
        let (bytes, overflow) = value.multipliedReportingOverflow(by: factor)
        return overflow || bytes > UInt64(Int64.max) ? nil : bytes
    }
}
