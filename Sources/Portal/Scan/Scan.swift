internal import Access
internal import Bytes
internal import HTTP

/// One login by a QR code of ours, as the browser that shows the code asked for it. It never changes; what becomes of it follows from the one answer
/// to it, and from the time.
struct Scan: Equatable, Sendable {
    /// Hex SHA-256 of the auth origin's try cookie: the browser that asks, and the only one that it logs in.
    var browser: String
    var journey: Journey
    /// The asking browser's address and User-Agent, for the person with the phone.
    var address: String
    var agent: String
    /// When it was asked for.
    var asked: WallTime
    var numbers: Numbers

    /// The number that the asking browser shows, and those that the phone offers: two digits, no digit in the same place in two of them, in ascending order.
    struct Numbers: Equatable, Sendable {
        var right: Int
        var offered: [Int]
    }

    /// What the phone said: once, and for good.
    enum Answer: Equatable, Sendable {
        /// By that session of that folded account.
        case approved(sid: String, account: String, at: WallTime)
        case refused
    }

    /// Where it stands.
    enum Stage: Equatable {
        case waiting
        case approved(sid: String, account: String)
        case refused
        case expired
    }

    /// From its making to the answer: 2 minutes.
    static let life = Duration.seconds(120)
    /// From the answer until the asking browser has come for its session: 1 minute.
    static let collection = Duration.seconds(60)
    /// Until then a browser that asks is told what became of it: 5 minutes.
    static let memory = Duration.seconds(300)
    /// Who approves has logged in at the most so long ago: 10 minutes. Inside WeCom logging in again costs nobody anything.
    static let freshness = Duration.seconds(600)
    /// When the phone's page is shown, there is time left to answer: what is older than this logs in again first.
    static let freshnessAtFirst = freshness - life

    func stage(_ answer: Answer?, now: WallTime) -> Stage {
        switch answer {
        case nil: now < asked.advanced(by: Self.life) ? .waiting : .expired
        case .refused: .refused
        case .approved(let sid, let account, let at): now < at.advanced(by: Self.collection) ? .approved(sid: sid, account: account) : .expired
        }
    }

    /// Whether a session may approve at all: its person proved to WeCom not long ago who they are. One that came from a scan may not, or a login that was
    /// fooled out of somebody once would breed.
    static func mayApprove(_ session: SessionRecord, within freshness: Duration, now: WallTime) -> Bool {
        session.amr == ["wecom"] && now.milliseconds - session.authTime.milliseconds <= freshness.milliseconds
    }

    /// What choosing a number comes to.
    func answer(_ number: String?, by session: SessionRecord, now: WallTime) -> Answer {
        number == String(numbers.right) ? .approved(sid: session.sid, account: session.member.accountKey, at: now) : .refused
    }
}

extension Scan.Numbers {
    /// Nil where the random bytes do not suffice: of 48 that happens once in 10^15 times.
    init?(random: [UInt8]) {
        var numbers: [Int] = []
        // 180 values, two for each number: none is likelier than another.
        for byte in random where byte < 180 && numbers.count < 3 {
            let number = 10 + Int(byte) % 90
            if numbers.allSatisfy({ $0 / 10 != number / 10 && $0 % 10 != number % 10 }) { numbers.append(number) }
        }
        guard numbers.count == 3 else { return nil }
        self.init(right: numbers[0], offered: numbers.sorted())
    }
}

/// How the store keeps them.
extension Scan {
    var encoded: [UInt8] {
        FieldList.encode([browser, journey.query, address, agent, String(asked.milliseconds), String(numbers.right)] + numbers.offered.map(String.init))
    }

    /// - Parameter address: checks a return address again: the configuration may have changed meanwhile.
    init?(_ bytes: [UInt8], address check: (String) -> ReturnAddress) {
        guard let fields = FieldList.decode(bytes, count: 9), let asked = Int64(fields[4]), let right = Int(fields[5]) else { return nil }
        let query = Query(fields[1])
        self.init(
            browser: fields[0], journey: Journey(query, returnTo: check(query.one("return") ?? "/")), address: fields[2], agent: fields[3],
            asked: WallTime(milliseconds: asked), numbers: Numbers(right: right, offered: fields[6...].compactMap { Int($0) }))
    }
}

extension Scan.Answer {
    var encoded: [UInt8] {
        switch self {
        case .approved(let sid, let account, let at): FieldList.encode([sid, account, String(at.milliseconds)])
        case .refused: FieldList.encode(["", "", "0"])
        }
    }

    /// What cannot be read is no approval.
    init(_ bytes: [UInt8]) {
        guard let fields = FieldList.decode(bytes, count: 3), let at = Int64(fields[2]), !fields[0].isEmpty else {
            self = .refused
            return
        }
        self = .approved(sid: fields[0], account: fields[1], at: WallTime(milliseconds: at))
    }
}
