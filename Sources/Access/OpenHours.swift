public import Bytes

/// `Mon-Fri 08:00-20:00 Asia/Shanghai`: when a rule lets people in, by the clocks of a time zone.
public struct OpenHours: Equatable, Sendable {
    /// Bit by weekday, Monday is the lowest; at least one. Of hours that pass midnight it is the day on which they begin.
    public var days: UInt8
    /// Minutes after midnight, 0…1439.
    public var from: Int
    /// Minutes after midnight, 1…1440, not included. Not later than `from`: of the next day.
    public var until: Int
    public var zone: TimeZoneTable

    public init(days: UInt8, from: Int, until: Int, zone: TimeZoneTable) {
        self.days = days
        self.from = from
        self.until = until
        self.zone = zone
    }

    public func contains(_ time: WallTime) -> Bool {
        let local = time.seconds + zone.offset(at: time)
        let (day, second) = local.quotientAndRemainder(dividingBy: 86_400)
        // Before 1970 the remainder is negative.
        let (today, minute) = second < 0 ? (day - 1, Int(second + 86_400) / 60) : (day, Int(second) / 60)
        if from < until { return has(today) && from <= minute && minute < until }
        return has(today) && from <= minute || has(today - 1) && minute < until
    }

    /// 1970-01-01, day 0, was a Thursday.
    private func has(_ day: Int64) -> Bool { days >> UInt8(((day % 7) + 10) % 7) & 1 == 1 }
}
