internal import Access
internal import Bytes
internal import Crypto

/// What the portal remembers under a `state` while the person is at WeCom. It belongs to one browser, one connection, one return address.
struct LoginState: Equatable {
    var connection: String
    /// Hex SHA-256 of the auth origin's try cookie.
    var browser: String
    var journey: Journey
    /// It went to the in-app page, whose own fragment a browser would carry on into our redirects.
    var isInApp: Bool
    var begun: WallTime

    /// 15 minutes
    static let life = Duration.seconds(15 * 60)
    /// 1 hour. Whoever comes back too late logs in again, but need not look for the page again.
    static let remembered = Duration.seconds(60 * 60)

    /// Whether it still leads to a session.
    func isGood(at now: WallTime) -> Bool { now < begun.advanced(by: Self.life) }

    var encoded: [UInt8] {
        FieldList.encode([
            connection, browser, journey.returnTo.url, journey.bind ?? "", journey.fragment, String(journey.attempt), isInApp ? "app" : "web",
            journey.form ?? "", String(begun.milliseconds), journey.own?.path ?? "",
        ])
    }

    /// - Parameter address: checks a return address again: the configuration may have changed meanwhile.
    init?(_ bytes: [UInt8], address: (String) -> ReturnAddress) {
        guard let fields = FieldList.decode(bytes, count: 10), let begun = Int64(fields[8]) else { return nil }
        connection = fields[0]
        browser = fields[1]
        journey = Journey(
            returnTo: address(fields[2]), bind: Journey.bind(fields[3]), fragment: Journey.fragment(fields[4]), attempt: Journey.attempt(fields[5]),
            form: Journey.form(fields[7]), own: OwnPage(fields[9]))
        isInApp = fields[6] == "app"
        self.begun = WallTime(milliseconds: begun)
    }

    init(connection: String, browser: String, journey: Journey, isInApp: Bool, begun: WallTime) {
        self.connection = connection
        self.browser = browser
        self.journey = journey
        self.isInApp = isInApp
        self.begun = begun
    }
}

/// The `state` parameter: 32 lower-case hex digits, the only alphabet and a length that WeCom promises to bring back. 112 bits are random; the last
/// four digits are a checksum over them and the attempt, so that a state whose memory is lost (the store was emptied, it was spent) still
/// ends a loop. It proves nothing and opens nothing.
enum StateValue {
    static let randomBytes = 14

    static func make(random: [UInt8], attempt: Int) -> String {
        let head = Hex.encode(random)
        return head + checksum(head, attempt)
    }

    static func isWellFormed(_ text: String) -> Bool {
        text.utf8.count == 32 && text.utf8.allSatisfy(Journey.isLowerHex)
    }

    /// Where the return address of a spent state is kept.
    static func spentKey(_ text: String) -> Digest256 { Digest.sha256("menwei spent state " + text) }

    /// The attempt that a state of our making was for; 0 for any other text.
    static func attempt(of text: String) -> Int {
        guard isWellFormed(text) else { return 0 }
        let head = String(text.prefix(28)), tail = text.suffix(4)
        return (1...Journey.lastAttempt).first { checksum(head, $0) == tail } ?? 0
    }

    private static func checksum(_ head: String, _ attempt: Int) -> String {
        String(Hex.encode(Digest.sha256("menwei state \(head) \(attempt)").bytes).prefix(4))
    }
}
