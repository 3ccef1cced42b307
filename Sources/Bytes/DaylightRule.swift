/// A zone's difference for all years to come, as POSIX writes it (`CET-1CEST,M3.5.0,M10.5.0/3`; RFC 9636 section 3.3.1).
struct DaylightRule: Equatable, Sendable {
    /// When clocks change in a year.
    private enum Day: Equatable, Sendable {
        /// 1 to 365; 29 February is never counted.
        case julian(Int64)
        /// 0 to 365
        case ordinal(Int64)
        /// The `week`th `weekday` (0: Sunday) of `month`; the fifth is the last.
        case weekday(month: Int64, week: Int64, weekday: Int64)
    }
    private struct Change: Equatable, Sendable {
        var day: Day
        /// Seconds after midnight, on the clocks that are about to change.
        var time: Int64
    }
    private struct Summer: Equatable, Sendable {
        var offset: Int64
        var start: Change
        var end: Change
    }

    /// Seconds ahead of UTC.
    private let standard: Int64
    private let summer: Summer?

    /// Nil for what is no such text.
    init?(_ text: ArraySlice<UInt8>) {
        var rest = text
        guard Self.takeName(&rest), let west = Self.takeTime(&rest, hours: 24) else { return nil }
        standard = -west
        if rest.isEmpty {
            summer = nil
            return
        }
        guard Self.takeName(&rest) else { return nil }
        var offset = standard + 3600
        if rest.first != 0x2C {
            guard let west = Self.takeTime(&rest, hours: 24) else { return nil }
            offset = -west
        }
        guard let start = Self.takeChange(&rest), let end = Self.takeChange(&rest), rest.isEmpty else { return nil }
        summer = Summer(offset: offset, start: start, end: end)
    }

    /// Seconds ahead of UTC, `seconds` after 1970 began.
    func offset(at seconds: Int64) -> Int64 {
        guard let summer else { return standard }
        let year = CalendarTime.date(days: CalendarTime.floorDivide(seconds + standard, 86_400)).0
        let start = Self.moment(summer.start, year) - standard
        let end = Self.moment(summer.end, year) - summer.offset
        // On the southern half summer is at both ends of the year.
        let isSummer = start < end ? start <= seconds && seconds < end : seconds < end || start <= seconds
        return isSummer ? summer.offset : standard
    }

    /// As the clocks show it, in seconds after 1970 began.
    private static func moment(_ change: Change, _ year: Int64) -> Int64 {
        let newYear = CalendarTime.days(year: year, month: 1, day: 1)
        let day: Int64
        switch change.day {
        case .julian(let number):
            let isLeap = CalendarTime.daysInMonth(year: year, month: 2) == 29
            day = newYear + number - 1 + (isLeap && number >= 60 ? 1 : 0)
        case .ordinal(let number): day = newYear + number
        case .weekday(let month, let week, let weekday):
            let first = CalendarTime.days(year: year, month: month, day: 1)
            // 1970-01-01 was a Thursday.
            let firstWeekday = ((first % 7) + 11) % 7
            let inMonth = (weekday - firstWeekday + 7) % 7 + (week - 1) * 7
            day = first + (inMonth < CalendarTime.daysInMonth(year: year, month: month) ? inMonth : inMonth - 7)
        }
        return day * 86_400 + change.time
    }

    // MARK: reading

    /// At least three letters, or anything in angle brackets.
    private static func takeName(_ rest: inout ArraySlice<UInt8>) -> Bool {
        if rest.first == 0x3C {
            guard let end = rest.firstIndex(of: 0x3E) else { return false }
            rest = rest[(end + 1)...]
            return true
        }
        let letters = rest.prefix { (0x61...0x7A).contains($0 | 0x20) }
        rest = rest[letters.endIndex...]
        return letters.count >= 3
    }

    private static func takeNumber(_ rest: inout ArraySlice<UInt8>, _ range: ClosedRange<Int64>) -> Int64? {
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        guard (1...3).contains(digits.count) else { return nil }
        rest = rest[digits.endIndex...]
        let value = digits.reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
        return range.contains(value) ? value : nil
    }

    /// `[+-]h[:mm[:ss]]` in seconds.
    private static func takeTime(_ rest: inout ArraySlice<UInt8>, hours: Int64) -> Int64? {
        var sign: Int64 = 1
        if rest.first == 0x2D || rest.first == 0x2B { sign = rest.removeFirst() == 0x2D ? -1 : 1 }
        guard var seconds = takeNumber(&rest, 0...hours).map({ $0 * 3600 }) else { return nil }
        for unit in [60, 1] as [Int64] {
            guard rest.first == 0x3A else { break }
            rest.removeFirst()
            guard let part = takeNumber(&rest, 0...59) else { return nil }
            seconds += part * unit
        }
        return sign * seconds
    }

    private static func takeChange(_ rest: inout ArraySlice<UInt8>) -> Change? {
        guard rest.popFirst() == 0x2C, let day = takeDay(&rest) else { return nil }
        guard rest.first == 0x2F else { return Change(day: day, time: 7200) }
        rest.removeFirst()
        return takeTime(&rest, hours: 167).map { Change(day: day, time: $0) }
    }

    private static func takeDay(_ rest: inout ArraySlice<UInt8>) -> Day? {
        switch rest.first {
        case UInt8(ascii: "J"):
            rest.removeFirst()
            return takeNumber(&rest, 1...365).map { .julian($0) }
        case UInt8(ascii: "M"):
            rest.removeFirst()
            guard let month = takeNumber(&rest, 1...12), rest.popFirst() == 0x2E, let week = takeNumber(&rest, 1...5), rest.popFirst() == 0x2E,
                let weekday = takeNumber(&rest, 0...6)
            else { return nil }
            return .weekday(month: month, week: week, weekday: weekday)
        default: return takeNumber(&rest, 0...365).map { .ordinal($0) }
        }
    }
}
