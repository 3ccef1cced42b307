import Access
import Bytes
import HTTP
import Proxy
import WeCom

/// `menwei report`: from access records, who would lose or gain access under a configuration. It asks nobody and changes nothing.
///
/// Records do not tell departments and tags. Where these alone would decide, the report says so in the place of guessing. How old a login was they do not
/// tell either: `max_age` counts as kept, since it asks for another login and keeps nobody out.
public struct Report {
    /// What becomes of somebody's access.
    enum Change: String, Comparable {
        case loses, gains, login, unknown
        static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    }
    private struct Row: Hashable {
        var site: String
        /// Empty: nobody who was logged in.
        var account: String
        var change: Change
        /// `2 /admin/* FILE:LINE`, or `-`.
        var rule: String
        var reason: String
    }
    private struct Count {
        var requests = 0
        /// Of them the one that sorts first, so that it does not matter in which order they came.
        var example: String?
    }
    /// More rows than this nobody reads; what is beyond is counted.
    static let rowLimit = 100_000

    private let configuration: Configuration
    private let finder: SiteFinder
    /// By connection: all departments and tags that a rule names.
    private let departments: [String: [Int]]
    private let tags: [String: [Int]]
    private var rows: [Row: Count] = [:]
    private var lines = 0
    private var judged = 0
    private var malformed = 0
    private var withoutRule = 0
    private var dropped = 0

    public init(_ configuration: Configuration) {
        self.configuration = configuration
        finder = SiteFinder(configuration)
        let allows = configuration.sites.flatMap(\.rules).map(\.allow)
        func ids(_ groups: [Rule.GroupID]) -> [String: [Int]] { Dictionary(grouping: Set(groups), by: \.connection).mapValues { $0.map(\.id) } }
        departments = ids(allows.flatMap { $0.departments ?? [] })
        tags = ids(allows.flatMap { $0.tags ?? [] })
    }

    // MARK: reading

    /// Takes one line in: a record as the gateway writes them. Lines that are none are counted.
    public mutating func read(_ line: ArraySlice<UInt8>) {
        if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { return }
        lines += 1
        guard let record = AccessLine(line) else {
            malformed += 1
            return
        }
        guard record.event == "access" else { return }
        guard let had = record.hadAccess else {
            withoutRule += 1
            return
        }
        judge(record, had)
    }

    /// A line was longer than any record.
    public mutating func skipLongLine() {
        lines += 1
        malformed += 1
    }

    private mutating func judge(_ record: AccessLine, _ had: Bool) {
        judged += 1
        let account = record.account ?? ""
        let place: SiteFinder.Place
        do throws(ProtocolFault) {
            place = try finder.place(authority: Array((record.host ?? "").utf8)[...], target: Array((record.path ?? "").utf8), method(record))
        } catch {
            if had { add(Row(site: record.site ?? "-", account: account, change: .loses, rule: "-", reason: "malformed: \(error.code.rawValue)"), record) }
            return
        }
        switch place {
        case .own: break
        case .noOrigin, .noSite:
            if had { add(Row(site: record.site ?? "-", account: account, change: .loses, rule: "-", reason: "no site has this address"), record) }
        case .rule(let site, let policy, let rule):
            guard let (change, reason) = change(record, had, site, policy, rule) else { return }
            let reference = policy.reference(rule)
            add(Row(site: site.id, account: account, change: change, rule: "\(reference.number) \(reference.pattern)", reason: reason), record)
        }
    }

    private func method(_ record: AccessLine) -> RuleMethod {
        // So a WebSocket over HTTP/2 is written; rules see a GET.
        RuleMethod(token: record.method == "CONNECT" ? "GET" : record.method ?? "GET")
    }

    /// Nil: it stays as it was.
    private func change(_ record: AccessLine, _ had: Bool, _ site: SiteOptions, _ policy: Policy, _ rule: Int) -> (Change, String)? {
        let circumstances = Circumstances(client: record.client.flatMap { IPAddress($0) }, now: record.time)
        func answer(_ subject: Subject?) -> (passes: Bool, reason: String) {
            let decision = policy.decide(rule: rule, subject: subject, circumstances)
            let passes = site.enforcement.letsThrough(decision, hasSession: subject != nil)
            switch decision {
            case .anyone, .allow: return (true, "")
            case .login: return (passes, "login")
            case .deny(_, let reason): return (passes, reason.rawValue)
            }
        }
        guard let account = record.account else {
            let now = answer(nil)
            if now.passes == had { return nil }
            return now.passes ? (.gains, "anyone") : (.login, "no session")
        }
        // Once with every department and tag that there may be, once with none.
        let most = answer(subject(account, record, everything: true))
        let least = answer(subject(account, record, everything: false))
        guard most.passes == least.passes else { return (.unknown, least.reason) }
        if most.passes == had { return nil }
        return most.passes ? (.gains, "") : (.loses, most.reason)
    }

    /// The connection is told from the account's name: `ID/…`, else the one with plain names.
    private func subject(_ account: String, _ record: AccessLine, everything: Bool) -> Subject {
        let prefix = account.firstIndex(of: "/").map { account[..<$0].lowercased() }
        let connection = configuration.connections.first { !$0.plainNames && $0.id == prefix } ?? configuration.connections.first { $0.plainNames }
        var member = Member(connection: connection?.id ?? "", corp: connection?.corp ?? "", user: account, account: account)
        if everything {
            member.departments = departments[member.connection] ?? []
            member.tags = tags[member.connection] ?? []
        }
        return Subject(member, authTime: record.time)
    }

    private mutating func add(_ row: Row, _ record: AccessLine) {
        guard rows[row] != nil || rows.count < Self.rowLimit else {
            dropped += 1
            return
        }
        let example = "\(record.method ?? "") \(record.path ?? "")"
        var count = rows[row] ?? Count()
        count.requests += 1
        count.example = min(example, count.example ?? example)
        rows[row] = count
    }

    // MARK: telling

    /// The table, one row for each site, account, change and rule, and what the numbers mean. The same records in any order give the same rows.
    public var output: [String] {
        let order = rows.sorted { a, b in
            (a.key.site, a.key.account.lowercased(), a.key.account, a.key.change.rawValue, a.key.rule, a.key.reason)
                < (b.key.site, b.key.account.lowercased(), b.key.account, b.key.change.rawValue, b.key.rule, b.key.reason)
        }
        var table = [["SITE", "ACCOUNT", "CHANGE", "REQUESTS", "RULE", "REASON", "FOR EXAMPLE"]]
        for (row, count) in order {
            table.append([row.site, row.account.isEmpty ? "-" : row.account, row.change.rawValue, String(count.requests), row.rule, row.reason.isEmpty ? "-" : row.reason, count.example ?? "-"]
                .map { String($0.prefix(200)) })
        }
        return (rows.isEmpty ? [] : TextTable.lines(table, numbers: [3]) + [""]) + summary
    }

    private var summary: [String] {
        func accounts(_ change: Change) -> Int { Set(rows.keys.filter { $0.change == change && !$0.account.isEmpty }.map(\.account)).count }
        let anonymous = rows.filter { $0.key.change == .login || $0.key.change == .loses && $0.key.account.isEmpty }.values.reduce(0) { $0 + $1.requests }
        var lines = [
            "\(accounts(.loses)) accounts lose access somewhere, \(accounts(.gains)) gain it; \(anonymous) requests without a session would not have passed",
        ]
        let unknown = accounts(.unknown)
        if unknown > 0 {
            lines.append("\(unknown) accounts: unknown; their departments and tags decide, which records do not tell (menwei explain --department D --tag T)")
        }
        lines.append("\(self.lines) lines read, \(judged) requests judged, \(withoutRule) that no rule decides, \(malformed) malformed lines skipped")
        if dropped > 0 { lines.append("\(dropped) requests belong to rows beyond the first \(Self.rowLimit), which are not shown") }
        return lines
    }
}
