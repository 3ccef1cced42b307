import Access
import Bytes

/// `Mon-Fri 08:00-20:00 Asia/Shanghai`: days (none: every day), from when to when, and the time zone.
enum HoursText {
    /// - Parameter zone: the table of a zone's name; nil: there is none.
    static func parse(_ text: String, zone: (String) -> TimeZoneTable?) throws(Misread) -> OpenHours {
        var words = joined(text).split(separator: " ")
        guard let name = words.popLast(), let times = words.popLast(), words.count <= 1 else { throw form(text) }
        let ends = times.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let from = minutes(ends[0]), let until = minutes(ends[1]), from < 1440 else {
            if minutes(name.split(separator: "-")[0]) != nil { throw Misread("\(quoted(text)) names no time zone; add one, such as Asia/Shanghai or UTC") }
            throw form(text)
        }
        guard from != until else { throw Misread("\(quoted(text)) ends when it begins; the whole day is 00:00-24:00") }
        guard let days = words.first.map(days) ?? everyDay else { throw Misread("\(quoted(String(words[0]))) are no days; write Mon-Fri or Mon,Wed,Sat") }
        guard let table = zone(String(name)) else { throw Misread("the system knows no time zone \(quoted(String(name))); names are those of tzdata, such as Asia/Shanghai or UTC") }
        return OpenHours(days: days, from: from, until: until % 1440 == 0 ? 1440 : until, zone: table)
    }

    private static let everyDay: UInt8? = 0b111_1111

    private static func form(_ text: String) -> Misread { Misread("expected hours such as \"Mon-Fri 08:00-20:00 Asia/Shanghai\", this is \(quoted(text))") }

    /// One spelling: `-` for every dash, `,` for every comma, and no blanks around either.
    private static func joined(_ text: String) -> String {
        var out = ""
        for character in text {
            switch character {
            case "–", "—", "~", "至", "到": out.append("-")
            case "，", "、": out.append(",")
            case "：": out.append(":")
            case "\u{3000}": out.append(" ")
            default: out.append(character)
            }
        }
        var words: [Substring] = []
        for word in out.split(separator: " ") {
            if let last = words.last, last.hasSuffix("-") || last.hasSuffix(",") || word.hasPrefix("-") || word.hasPrefix(",") {
                words[words.count - 1] = last + word
            } else {
                words.append(word)
            }
        }
        return words.joined(separator: " ")
    }

    /// `8:00`, `08:00`, `24:00`: minutes after midnight.
    private static func minutes(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...2).contains(parts[0].utf8.count), parts[1].utf8.count == 2,
            (parts[0] + parts[1]).utf8.allSatisfy(ASCII.isDigit), let hour = Int(parts[0]), let minute = Int(parts[1])
        else { return nil }
        return minute < 60 && hour * 60 + minute <= 1440 ? hour * 60 + minute : nil
    }

    /// Days and runs of days; a run may pass the week's end (`Sat-Mon`).
    private static func days(_ text: Substring) -> UInt8? {
        if ["daily", "every-day", "everyday", "*", "每天"].contains(text.lowercased()) { return everyDay }
        var days: UInt8 = 0
        for part in text.replacing("..", with: "-").split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count <= 2, let first = day(ends[0]), let last = day(ends[ends.count - 1]) else { return nil }
            var at = first
            while true {
                days |= 1 << UInt8(at)
                if at == last { break }
                at = (at + 1) % 7
            }
        }
        return days
    }

    /// 0 is Monday. `Mon`, `Monday`, `周一`, `星期一`.
    private static func day(_ text: Substring) -> Int? {
        let word = text.lowercased()
        let names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
        if let index = names.firstIndex(where: { $0 == word || $0.prefix(3) == word }) { return index }
        // As some write them.
        if let index = ["tues": 1, "weds": 2, "thur": 3, "thurs": 3][word] { return index }
        guard let prefix = ["星期", "礼拜", "周"].first(where: word.hasPrefix) else { return nil }
        return ["一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6][word.dropFirst(prefix.count)]
    }
}

/// The system's time zones (tzdata).
enum ZoneFiles {
    private static let folder = "/usr/share/zoneinfo/"

    /// Nil: there is no such zone.
    static func table(_ name: String) -> TimeZoneTable? {
        // A slim system without tzdata has it all the same.
        if name == "UTC" { return .utc }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard name.utf8.count <= 64, name.utf8.allSatisfy({ ASCII.isAlphanumeric($0) || "_+-/".utf8.contains($0) }), !parts.contains("") else { return nil }
        guard let bytes = try? TextFile.read(folder + name, limit: 256 << 10) else { return nil }
        return TimeZoneTable(tzif: bytes)
    }
}
