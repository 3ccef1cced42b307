public import Bytes

/// The name of a key file: `YYYYMMDDTHHMMSSZ-KID.pem`. It alone says when the key was made; nothing reads the file's times.
public struct KeyName: Hashable, Comparable, Sendable {
    public var created: WallTime
    /// 43 characters base64url.
    public var kid: String

    public init(created: WallTime, kid: String) {
        self.created = WallTime(seconds: created.seconds)
        self.kid = kid
    }

    /// Nil where `fileName` is not such a name.
    public init?(fileName: String) {
        let bytes = Array(fileName.utf8)
        guard bytes.count == 16 + 1 + 43 + 4, bytes[16] == 0x2D, bytes.suffix(4).elementsEqual(".pem".utf8),
            let created = CompactTime.parse(bytes[..<16]), Base64URL.decode(String(decoding: bytes[17..<60], as: UTF8.self))?.count == 32
        else { return nil }
        self.created = created
        kid = String(decoding: bytes[17..<60], as: UTF8.self)
    }

    public var fileName: String { CompactTime.format(created) + "-" + kid + ".pem" }

    /// By age, then by kid, so that machines with one folder agree.
    public static func < (a: Self, b: Self) -> Bool { a.created != b.created ? a.created < b.created : a.kid < b.kid }
}

/// Which of a folder's keys signs and which are published: a matter of names and clock alone, so that machines that share the folder agree
/// without talking to each other (README, *Configure*, `signing.keys`).
public struct KeyRing: Equatable, Sendable {
    public enum State: String, Sendable {
        /// Published, does not sign yet.
        case next
        case signing
        /// Does not sign any more; what it signed may still be live.
        case previous
        /// Nothing it signed is live.
        case retired
    }

    /// Oldest first.
    public let names: [KeyName]
    /// How long assertions live.
    public let lifetime: Duration
    /// How long a key is published before it signs, and stays published beyond the life of what it signed: two times what caches of
    /// `jwks.json` may keep (5 minutes).
    public static let margin = Duration.seconds(600)
    /// No configuration lets assertions live longer.
    public static let longestLifetime = Duration.seconds(86400)

    public init(names: some Sequence<KeyName>, lifetime: Duration) {
        self.names = Set(names).sorted()
        self.lifetime = lifetime
    }

    /// Since when the key at `index` may sign: the first at once, whatever the clock says.
    private func signsFrom(_ index: Int) -> WallTime {
        index == 0 ? WallTime(milliseconds: .min) : names[index].created.advanced(by: Self.margin)
    }

    /// The key that signs at `now`; nil where there is none at all.
    public func signing(at now: WallTime) -> KeyName? {
        names.indices.last { signsFrom($0) <= now }.map { names[$0] }
    }

    public func state(of index: Int, at now: WallTime) -> State {
        if now < signsFrom(index) { return .next }
        guard index + 1 < names.count else { return .signing }
        let successor = signsFrom(index + 1)
        if now < successor { return .signing }
        return now < successor.advanced(by: lifetime).advanced(by: Self.margin) ? .previous : .retired
    }

    /// The keys that `jwks.json` shows at `now`, oldest first.
    public func published(at now: WallTime) -> [KeyName] {
        names.indices.filter { state(of: $0, at: now) != .retired }.map { names[$0] }
    }

    /// When the next key begins to sign or an old one stops being published; nil where nothing changes by itself any more.
    public func nextChange(after now: WallTime) -> WallTime? {
        names.indices.dropFirst().flatMap { index in
            let start = signsFrom(index)
            return [start, start.advanced(by: lifetime).advanced(by: Self.margin)]
        }.filter { $0 > now }.min()
    }

    /// Whether a new key is due: none is younger than `every`, and none waits to sign, so that there is one in ten minutes at the most. Never with
    /// `every` zero.
    public func isRotationDue(every: Duration, at now: WallTime) -> Bool {
        guard every > .zero else { return false }
        guard let newest = newest(at: now) else { return names.isEmpty }
        return newest.created.advanced(by: max(every, Self.margin)) <= now
    }

    /// The newest key. One whose name is of a future that no clock's error explains does not count: it would put off every rotation until then.
    func newest(at now: WallTime) -> KeyName? { names.last { $0.created <= now.advanced(by: Self.margin) } }

    /// The keys of which nothing is live whatever lifetime any machine gives its assertions: their files are of no use any more.
    public func useless(at now: WallTime) -> [KeyName] {
        let ring = KeyRing(names: names, lifetime: Self.longestLifetime)
        return ring.names.indices.filter { ring.state(of: $0, at: now) == .retired }.map { ring.names[$0] }
    }
}

/// `YYYYMMDDTHHMMSSZ`, in UTC (ISO 8601 basic).
enum CompactTime {
    static func parse(_ text: ArraySlice<UInt8>) -> WallTime? {
        let text = Array(text)
        guard text.count == 16, text[8] == 0x54, text[15] == 0x5A else { return nil }
        func number(_ range: Range<Int>) -> Int64? {
            text[range].reduce(Int64?(0)) { sum, byte in
                guard let sum, byte >= 0x30, byte <= 0x39 else { return nil }
                return sum * 10 + Int64(byte - 0x30)
            }
        }
        guard let year = number(0..<4), let month = number(4..<6), let day = number(6..<8), let hour = number(9..<11), let minute = number(11..<13),
            let second = number(13..<15), year >= 1970, (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 60
        else { return nil }
        let time = WallTime(seconds: days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second)
        return format(time).utf8.elementsEqual(text) ? time : nil
    }

    static func format(_ time: WallTime) -> String {
        let seconds = max(0, time.seconds)
        let (year, month, day) = date(seconds / 86400)
        let rest = seconds % 86400
        func two(_ n: Int64) -> String { n < 10 ? "0\(n)" : "\(n)" }
        let padding = String(repeating: "0", count: max(0, 4 - "\(year)".count))
        return "\(padding)\(year)\(two(month))\(two(day))T\(two(rest / 3600))\(two(rest / 60 % 60))\(two(rest % 60))Z"
    }

    /// Days from 1970-01-01 to a date of the Gregorian calendar; years counted from March, so that leap days come last.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let y = month <= 2 ? year - 1 : year
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return 365 * y + y / 4 - y / 100 + y / 400 + dayOfYear - 719_468
    }

    private static func date(_ days: Int64) -> (Int64, Int64, Int64) {
        let z = days + 719_468
        let era = z / 146_097
        let dayOfEra = z % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }
}
