public import Bytes

/// Everything that the simulator knows, as a value: corps, what was issued, what shall go wrong. Time and randomness come as arguments.
public struct SimulatedWorld: Sendable {
    /// What tests may turn.
    public struct Settings: Equatable, Sendable {
        /// How long an access token lives; as `expires_in`, whole seconds.
        public var tokenLifetime = Duration.seconds(7200)
        /// How long a code waits for its exchange.
        public var codeLifetime = Duration.seconds(300)
        /// How long a `user_ticket` opens the member's details.
        public var ticketLifetime = Duration.seconds(1800)
        /// How long a ticket for JS-SDK signatures lives; as `expires_in`, whole seconds.
        public var pageTicketLifetime = Duration.seconds(7200)
        /// gettoken answers with the same token while one is good, `expires_in` being what is left of it. Off: a new one each time, the older ones staying good.
        public var reusesTokens = true
        /// Calls of one API for one corp in one minute; above: 45009 until the minute is over (D/90454).
        public var callsPerMinute = 10_000
        /// How far the simulator's clock is ahead of the real one.
        public var clockOffset = Duration.zero
    }

    struct Token: Sendable {
        var corp: String
        var agent: Int
        var expires: WallTime
    }
    struct Code: Sendable {
        var corp: String
        /// The agentid that the page was asked with; nil where it had none.
        var agent: Int?
        var authority: String
        var way: LoginWay
        var person: SimulatedPerson
        var wantsPrivate: Bool
        var expires: WallTime
    }
    struct Ticket: Sendable {
        var corp: String
        var agent: Int
        var userID: String
        var expires: WallTime
    }

    public var corps: [SimulatedCorp]
    public var wechat: SimulatedWeChat
    public var settings = Settings()
    /// Who holds the phone in which the in-app page is opened, unless a cookie or `sim_user` says otherwise.
    public var phoneUser = "zhangsan"
    /// What the next web login page does without asking.
    public var nextScan: Scan?
    public var faults = FaultPlan()
    public var log = CallLog()
    /// The domains that all apps were told to trust (control `trusted-domains`).
    var trustedEverywhere: [String]?
    var tokens: [String: Token] = [:]
    var codes: [String: Code] = [:]
    var tickets: [String: Ticket] = [:]
    var meter: [String: (minute: Int64, count: Int)] = [:]
    var pageTickets: [String: PageTicket] = [:]
    var hourly: [String: (hour: Int64, count: Int)] = [:]

    public enum Scan: Equatable, Sendable {
        case person(String)
        case refuse
    }

    public init(corps: [SimulatedCorp], wechat: SimulatedWeChat = SimulatedWeChat()) {
        self.corps = corps
        self.wechat = wechat
    }

    /// More living tokens, codes or tickets of a kind than this are not kept: then all of that kind are forgotten.
    static let capacity = 10_000

    func corp(_ id: String) -> SimulatedCorp? { corps.first { $0.id == id } }

    /// Who that is to this corp: people of another corp are strangers here, with an openid.
    func person(_ key: String, for corp: SimulatedCorp) -> SimulatedPerson? {
        if let person = corp.person(key) { return person }
        guard let person = corps.lazy.compactMap({ $0.person(key) }).first else { return nil }
        let letters = String(person.key.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }.prefix(32))
        return .outsider(openID: "oForeign" + letters, externalUserID: nil, name: person.name)
    }

    /// All tokens stop being known (40014), as when a secret is reset.
    public mutating func revokeTokens() { tokens.removeAll() }

    /// All tokens are over (42001).
    public mutating func expireTokens(now: WallTime) {
        for key in tokens.keys { tokens[key]?.expires = now }
    }

    /// `length` characters of the base64url alphabet.
    static func opaque(_ length: Int, _ random: inout some RandomNumberGenerator) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        return String(decoding: (0..<length).map { _ in alphabet[Int.random(in: 0..<64, using: &random)] }, as: UTF8.self)
    }

    /// A code for that person: 43 characters, for one exchange. Every login makes a new one.
    mutating func issueCode(corp: String, agent: Int?, authority: String, way: LoginWay, person: SimulatedPerson, wantsPrivate: Bool, now: WallTime,
                            random: inout some RandomNumberGenerator) -> String {
        if codes.count >= Self.capacity { codes = codes.filter { $0.value.expires > now } }
        if codes.count >= Self.capacity { codes.removeAll() }
        let code = Self.opaque(43, &random)
        codes[code] = Code(corp: corp, agent: agent, authority: authority, way: way, person: person, wantsPrivate: wantsPrivate,
                           expires: now.advanced(by: settings.codeLifetime))
        return code
    }

    mutating func issueTicket(corp: String, agent: Int, userID: String, now: WallTime, random: inout some RandomNumberGenerator) -> String {
        if tickets.count >= Self.capacity { tickets = tickets.filter { $0.value.expires > now } }
        if tickets.count >= Self.capacity { tickets.removeAll() }
        let ticket = Self.opaque(128, &random)
        tickets[ticket] = Ticket(corp: corp, agent: agent, userID: userID, expires: now.advanced(by: settings.ticketLifetime))
        return ticket
    }

    /// The token of an app: the one that still lives, or a new one.
    mutating func issueToken(corp: String, agent: Int, now: WallTime, random: inout some RandomNumberGenerator) -> (token: String, expires: WallTime) {
        if settings.reusesTokens,
           let old = tokens.first(where: { $0.value.corp == corp && $0.value.agent == agent && $0.value.expires.seconds > now.seconds }) {
            return (old.key, old.value.expires)
        }
        if tokens.count >= Self.capacity { tokens = tokens.filter { $0.value.expires > now } }
        if tokens.count >= Self.capacity { tokens.removeAll() }
        let token = Self.opaque(214, &random)
        let expires = now.advanced(by: settings.tokenLifetime)
        tokens[token] = Token(corp: corp, agent: agent, expires: expires)
        return (token, expires)
    }

    /// Counts a call; 45009 above the limit.
    mutating func count(api: String, corp: String, now: WallTime) throws(APIFault) {
        let key = corp + " " + api
        let minute = now.seconds / 60
        let before = meter[key].flatMap { $0.minute == minute ? $0.count : nil } ?? 0
        if before >= settings.callsPerMinute { throw APIFault(45009) }
        meter[key] = (minute, before + 1)
    }
}
