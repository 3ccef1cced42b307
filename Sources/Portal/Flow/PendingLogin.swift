internal import Access
internal import Bytes
internal import Crypto
internal import HTTP

/// A login that waits for something of the person, who was identified: a binding code, or what they agree to show. It belongs to one browser; it is
/// no session and opens nothing.
struct PendingLogin: Equatable {
    /// As the connection vouches for them, under the account that their user id gives.
    var member: Member
    var amr: [String]
    /// The account under which they may go on without a code, if they may.
    var ownName: String?
    /// Hex SHA-256 of the auth origin's try cookie.
    var browser: String
    var journey: Journey
    /// When the connection vouched for them: the login is as old as that, however long the person takes.
    var identified: WallTime
    /// When the directory vouched for them last. Not kept: what is read back is as old as the proof.
    var checked: WallTime
    /// They were logged in before they were asked: there is nothing more to come in by.
    var hadSession: Bool

    /// 15 minutes
    static let life = Duration.seconds(15 * 60)

    /// Under what it is kept while a binding code is asked for. `id` stands in the page's address.
    static func key(id: String) -> Digest256 { Digest.sha256("menwei binding " + id) }
    /// Under what it is kept while the person is asked at WeCom for their details.
    static func key(state: String) -> Digest256 { Digest.sha256("menwei consent " + state) }

    var encoded: [UInt8] {
        FieldList.encode([
            member.connection, member.corp, member.user, member.account, member.name, member.email, member.mobile, Self.text(member.departments),
            Self.text(member.tags), amr.joined(separator: " "), ownName ?? "", browser, journey.query, String(identified.milliseconds), hadSession ? "in" : "",
        ])
    }

    /// - Parameter address: checks a return address again: the configuration may have changed meanwhile.
    init?(_ bytes: [UInt8], address: (String) -> ReturnAddress) {
        guard let fields = FieldList.decode(bytes, count: 15), let identified = Int64(fields[13]) else { return nil }
        member = Member(connection: fields[0], corp: fields[1], user: fields[2], account: fields[3])
        (member.name, member.email, member.mobile) = (fields[4], fields[5], fields[6])
        (member.departments, member.tags) = (Self.numbers(fields[7]), Self.numbers(fields[8]))
        amr = fields[9].split(separator: " ").map(String.init)
        ownName = fields[10].isEmpty ? nil : fields[10]
        browser = fields[11]
        let query = Query(fields[12])
        journey = Journey(query, returnTo: address(query.one("return") ?? "/"))
        self.identified = WallTime(milliseconds: identified)
        checked = self.identified
        hadSession = fields[14] == "in"
    }

    init(_ member: Member, amr: [String], ownName: String? = nil, browser: String, journey: Journey, identified: WallTime, hadSession: Bool = false) {
        self.member = member
        self.amr = amr
        self.ownName = ownName
        self.browser = browser
        self.journey = journey
        self.journey.attempt = 0
        self.identified = identified
        checked = identified
        self.hadSession = hadSession
    }

    private static func text(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: " ") }
    private static func numbers(_ text: String) -> [Int] { text.split(separator: " ").compactMap { Int($0) } }
}
