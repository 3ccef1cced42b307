import Bytes

/// The `Date` field's value (RFC 9110 section 6.6.1), made once a second.
final class DateCache {
    private var second: Int64 = .min
    private var text = ""

    func value(at now: WallTime) -> String {
        if now.seconds != second {
            second = now.seconds
            text = HTTPDate.format(now)
        }
        return text
    }
}
