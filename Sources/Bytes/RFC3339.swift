/// Times in records and interfaces (RFC 3339), written in UTC.
public enum RFC3339 {
    /// `2026-01-02T03:04:05Z`, rounded down to the second.
    public static func format(_ time: WallTime) -> String { format(time, milliseconds: false) }

    /// `2026-01-02T03:04:05Z`, or `2026-01-02T03:04:05.678Z` with milliseconds.
    public static func format(_ time: WallTime, milliseconds: Bool) -> String {
        let parts = CalendarTime(time)
        var text: [UInt8] = []
        text.reserveCapacity(24)
        CalendarTime.append(parts.year, width: 4, to: &text)
        for (mark, value) in [("-", parts.month), ("-", parts.day), ("T", parts.hour), (":", parts.minute), (":", parts.second)] {
            text.append(contentsOf: mark.utf8)
            CalendarTime.append(value, width: 2, to: &text)
        }
        if milliseconds {
            text.append(UInt8(ascii: "."))
            CalendarTime.append(parts.millisecond, width: 3, to: &text)
        }
        text.append(UInt8(ascii: "Z"))
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads `date-time` with `Z` or a numeric offset, fractions of up to nine digits (kept to the millisecond). `nil` for anything else,
    /// impossible dates and leap seconds included.
    public static func parse(_ text: String) -> WallTime? {
        var reader = Reader(bytes: Array(text.utf8))
        guard let year = reader.number(4), reader.skip("-"), let month = reader.number(2), reader.skip("-"), let day = reader.number(2),
              reader.skip("T") || reader.skip("t"),
              let hour = reader.number(2), reader.skip(":"), let minute = reader.number(2), reader.skip(":"), let second = reader.number(2),
              1...12 ~= month, day >= 1, day <= CalendarTime.daysInMonth(year: year, month: month), hour < 24, minute < 60, second < 60,
              let fraction = reader.fraction(), let offset = reader.offset(), reader.isAtEnd
        else { return nil }
        let days = CalendarTime.days(year: year, month: month, day: day)
        return WallTime(milliseconds: (days * 86_400 + hour * 3600 + minute * 60 + second - offset) * 1000 + fraction)
    }

    private struct Reader {
        var bytes: [UInt8]
        var at = 0

        var isAtEnd: Bool { at == bytes.count }

        mutating func skip(_ character: Unicode.Scalar) -> Bool {
            guard at < bytes.count, bytes[at] == UInt8(ascii: character) else { return false }
            at += 1
            return true
        }

        mutating func number(_ width: Int) -> Int64? {
            guard bytes.count - at >= width else { return nil }
            var value: Int64 = 0
            for byte in bytes[at..<at + width] {
                guard byte &- 0x30 < 10 else { return nil }
                value = value * 10 + Int64(byte - 0x30)
            }
            at += width
            return value
        }

        /// Milliseconds; 0 where there is no fraction.
        mutating func fraction() -> Int64? {
            guard skip(".") else { return 0 }
            var value: Int64 = 0
            var digits = 0
            while at < bytes.count, bytes[at] &- 0x30 < 10 {
                if digits < 3 { value = value * 10 + Int64(bytes[at] - 0x30) }
                digits += 1
                at += 1
            }
            guard 1...9 ~= digits else { return nil }
            for _ in 0..<max(0, 3 - digits) { value *= 10 }
            return value
        }

        /// Seconds east of Greenwich.
        mutating func offset() -> Int64? {
            if skip("Z") || skip("z") { return 0 }
            let sign: Int64
            if skip("+") { sign = 1 } else if skip("-") { sign = -1 } else { return nil }
            guard let hours = number(2), skip(":"), let minutes = number(2), hours < 24, minutes < 60 else { return nil }
            return sign * (hours * 3600 + minutes * 60)
        }
    }
}
