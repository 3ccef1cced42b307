import Bytes

/// The `Date` field's value (RFC 9110 section 6.6.1), made once a second.
final class DateCache {
    private var second: Int64 = .min
    private var text: [UInt8] = []

    func value(at now: WallTime) -> [UInt8] {
        if now.seconds != second {
            second = now.seconds
            text = Array(HTTPDate.format(now).utf8)
        }
        return text
    }
}
