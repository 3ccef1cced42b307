/// The date of HTTP header fields: IMF-fixdate (RFC 9110 section 5.6.7), `Sun, 06 Nov 1994 08:49:37 GMT`, always 29 bytes.
public enum HTTPDate {
    public static func format(_ time: WallTime) -> String {
        let parts = CalendarTime(time)
        var text: [UInt8] = []
        text.reserveCapacity(29)
        text.append(contentsOf: name(parts.weekday, in: "SunMonTueWedThuFriSat"))
        text.append(contentsOf: ", ".utf8)
        CalendarTime.append(parts.day, width: 2, to: &text)
        text.append(UInt8(ascii: " "))
        text.append(contentsOf: name(parts.month - 1, in: "JanFebMarAprMayJunJulAugSepOctNovDec"))
        text.append(UInt8(ascii: " "))
        CalendarTime.append(parts.year, width: 4, to: &text)
        for (mark, value) in [(" ", parts.hour), (":", parts.minute), (":", parts.second)] {
            text.append(contentsOf: mark.utf8)
            CalendarTime.append(value, width: 2, to: &text)
        }
        text.append(contentsOf: " GMT".utf8)
        return String(decoding: text, as: UTF8.self)
    }

    private static func name(_ index: Int64, in names: String) -> Substring.UTF8View { names.utf8.dropFirst(Int(index) * 3).prefix(3) }
}
