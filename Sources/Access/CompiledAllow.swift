import Bytes

/// Whom a rule lets in, made ready to be asked: nothing is built for an answer.
struct CompiledAllow: Sendable {
    private let asksLogin: Bool
    private let users: Set<String>?
    private let departments: [Group]?
    private let tags: [Group]?
    private let connections: [String]?
    private let networks: [IPNetwork]?
    private let hours: [OpenHours]?
    /// Milliseconds.
    private let maxAge: Int64?
    var isTimed: Bool { hours != nil }
    /// No key but `anyone` or `members`.
    private let isPlain: Bool

    /// What is asked of one connection's members, ascending.
    private struct Group {
        var connection: String
        var ids: [Int]
    }

    init(_ rule: Rule) {
        let allow = rule.allow
        asksLogin = allow.asksLogin
        users = allow.users
        departments = allow.departments.map(Self.groups)
        tags = allow.tags.map(Self.groups)
        connections = allow.connections.map { $0.sorted() }
        networks = allow.networks
        hours = allow.hours
        maxAge = rule.maxAge?.milliseconds
        isPlain = (allow == .members || allow == .anyone) && rule.maxAge == nil
    }

    private static func groups(_ ids: Set<Rule.GroupID>) -> [Group] {
        Dictionary(grouping: ids, by: \.connection).sorted { $0.key < $1.key }.map { Group(connection: $0.key, ids: $0.value.map(\.id).sorted()) }
    }

    func decide(_ rule: Int, _ subject: Subject?, _ circumstances: Circumstances) -> Decision {
        if !asksLogin, isPlain || holdsAround(circumstances) == nil { return .anyone(rule: rule) }
        guard let subject else { return .login(rule: rule) }
        if isPlain { return .allow(rule: rule) }
        if let reason = holds(for: subject) ?? holdsAround(circumstances) { return .deny(rule: rule, reason: reason) }
        return isFresh(subject, circumstances) ? .allow(rule: rule) : .login(rule: rule)
    }

    /// The first of the keys about people that does not hold; nil: all do.
    private func holds(for subject: Subject) -> DenyReason? {
        if let users, !users.contains(subject.accountKey) { return .user }
        if let departments, !Self.hasAny(subject.member.departments, of: subject.member.connection, departments) { return .department }
        if let tags, !Self.hasAny(subject.member.tags, of: subject.member.connection, tags) { return .tag }
        if let connections, !connections.contains(subject.member.connection) { return .connection }
        return nil
    }

    /// The same of the keys about place and time.
    private func holdsAround(_ circumstances: Circumstances) -> DenyReason? {
        if let networks {
            guard let client = circumstances.client, networks.contains(address: client) else { return .network }
        }
        if let hours {
            guard let now = circumstances.now, hours.contains(where: { $0.contains(now) }) else { return .hours }
        }
        return nil
    }

    private func isFresh(_ subject: Subject, _ circumstances: Circumstances) -> Bool {
        guard let maxAge else { return true }
        guard let authTime = subject.authTime, let began = circumstances.began else { return false }
        return began.milliseconds &- authTime.milliseconds <= maxAge
    }

    private static func hasAny(_ ids: [Int], of connection: String, _ groups: [Group]) -> Bool {
        for group in groups where group.connection == connection {
            for id in ids where contains(group.ids, id) { return true }
        }
        return false
    }

    private static func contains(_ sorted: [Int], _ id: Int) -> Bool {
        var low = 0, high = sorted.count
        while low < high {
            let middle = (low &+ high) / 2
            if sorted[middle] < id { low = middle &+ 1 } else { high = middle }
        }
        return low < sorted.count && sorted[low] == id
    }
}
