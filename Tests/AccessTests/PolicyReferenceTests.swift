import Access
import Bytes
import HTTP
import Testing

/// The rules' meaning as README says it, without a thought for speed.
private func reference(_ rules: [Rule], _ path: String, _ method: String, _ subject: (member: Member, authTime: WallTime)?, _ client: IPAddress, _ now: WallTime) -> Decision {
    let index = rules.firstIndex { rule in
        guard rule.methods.isEmpty || rule.methods.contains(method) || method == "HEAD" && rule.methods.contains("GET") else { return false }
        return switch rule.path {
        case .any: true
        case .exactly(let bytes): path == String(decoding: bytes, as: UTF8.self)
        case .under(let bytes): path == String(decoding: bytes, as: UTF8.self) || path.hasPrefix(String(decoding: bytes, as: UTF8.self) + "/")
        }
    }
    let number = index.map { $0 + 1 } ?? 0
    guard let index else { return subject == nil ? .login(rule: 0) : .allow(rule: 0) }
    let allow = rules[index].allow
    let isNear = allow.networks?.contains { $0.contains(client) } ?? true
    if !allow.asksLogin, isNear { return .anyone(rule: number) }
    guard let subject else { return .login(rule: number) }
    let member = subject.member
    let departments = Set(member.departments.map { Rule.GroupID(connection: member.connection, id: $0) })
    let tags = Set(member.tags.map { Rule.GroupID(connection: member.connection, id: $0) })
    let checks: [(Bool?, DenyReason)] = [
        (allow.users?.contains(member.account.lowercased()), .user), (allow.departments.map { !$0.isDisjoint(with: departments) }, .department),
        (allow.tags.map { !$0.isDisjoint(with: tags) }, .tag), (allow.connections?.contains(member.connection), .connection),
        (allow.networks.map { _ in isNear }, .network), (allow.hours.map { $0.contains { $0.contains(now) } }, .hours),
    ]
    for (holds, reason) in checks where holds == false { return .deny(rule: number, reason: reason) }
    if let age = rules[index].maxAge, now.milliseconds - subject.authTime.milliseconds > age.milliseconds { return .login(rule: number) }
    return .allow(rule: number)
}

/// Numbers that a seed repeats (SplitMix64).
private struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct PolicyReferenceTests {
    private static let connections = ["corp", "east", "a-connection-with-a-long-id"]
    private static let accounts = ["ZhangSan", "lisi", "east/lisi", "wangwu"]
    private static let networks = ["10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0"].compactMap { IPNetwork($0) }
    private static let clients = ["10.1.2.3", "192.0.2.7", "203.0.113.9", "2001:db8::1", "2001:db9::1"].compactMap { IPAddress($0) }
    private static let methods = ["GET", "HEAD", "POST", "DELETE", "PURGE", "get"]
    private static let paths = ["/", "/a", "/a/b", "/a/b/c", "/ab", "/c"]

    private static func some<Item>(_ items: [Item], _ random: inout Seeded) -> [Item] {
        items.shuffled(using: &random).prefix(Int.random(in: 1...items.count, using: &random)).map { $0 }
    }

    private static func rule(_ number: Int, _ random: inout Seeded) throws -> Rule {
        let pattern = [nil, "/*", "/", "/a", "/a/*", "/a/b", "/a/b/*", "/c"].randomElement(using: &random)!
        var allow = Rule.Allow(asksLogin: Int.random(in: 0..<4, using: &random) > 0)
        func chance() -> Bool { Int.random(in: 0..<3, using: &random) == 0 }
        let groups = connections.flatMap { connection in (1...6).map { Rule.GroupID(connection: connection, id: $0) } }
        if chance() { allow.networks = some(networks, &random) }
        if allow.asksLogin {
            if chance() { allow.users = Set(some(accounts, &random).map { $0.lowercased() }) }
            if chance() { allow.departments = Set(some(groups, &random)) }
            if chance() { allow.tags = Set(some(groups, &random)) }
            if chance() { allow.connections = Set(some(connections, &random)) }
            if chance() {
                allow.hours = (0..<Int.random(in: 1...2, using: &random)).map { _ in
                    OpenHours(
                        days: .random(in: 1...127, using: &random), from: .random(in: 0...1439, using: &random), until: .random(in: 1...1440, using: &random), zone: .utc)
                }
            }
        }
        let maxAge: Duration? = allow.asksLogin && chance() ? .seconds(900) : nil
        let methods = chance() ? Set(some(Self.methods, &random)) : []
        return Rule(path: try Rule.Path(pattern: pattern), pattern: pattern ?? "*", methods: methods, allow: allow, maxAge: maxAge, source: "a:\(number)")
    }

    @Test("decides as the plain meaning of the rules does")
    func agrees() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = Seeded(state: seed)
        for _ in 0..<3000 {
            let rules = try (0..<Int.random(in: 0...16, using: &random)).map { try Self.rule($0, &random) }
            let policy = Policy(rules: rules)
            for _ in 0..<10 {
                let path = Self.paths.randomElement(using: &random)!
                let method = Self.methods.randomElement(using: &random)!
                let client = Self.clients.randomElement(using: &random)!
                let now = WallTime(seconds: .random(in: 1_767_000_000...1_768_000_000, using: &random))
                var subject: (member: Member, authTime: WallTime)?
                if Int.random(in: 0..<5, using: &random) > 0 {
                    let account = Self.accounts.randomElement(using: &random)!
                    var member = Member(connection: Self.connections.randomElement(using: &random)!, corp: "ww1", user: account, account: account)
                    member.departments = (0..<Int.random(in: 0...4, using: &random)).map { _ in .random(in: 1...9, using: &random) }
                    member.tags = (0..<Int.random(in: 0...2, using: &random)).map { _ in .random(in: 1...9, using: &random) }
                    subject = (member, now.advanced(by: .seconds(-Int64.random(in: 0...1800, using: &random))))
                }
                let decision = policy.decide(
                    rule: policy.rule(path: Array(path.utf8), method: RuleMethod(token: method)), subject: subject.map { Subject($0.member, authTime: $0.authTime) },
                    Circumstances(client: client, now: now))
                #expect(decision == reference(rules, path, method, subject, client, now), "seed \(seed): \(rules) \(method) \(path) \(String(describing: subject)) \(client) \(now)")
            }
        }
    }

    @Test("two corps with the same user ids, departments and tags do not mix", arguments: ["corp", "east"])
    func corps(connection: String) throws {
        var who = Member(connection: connection, corp: connection == "corp" ? "ww1" : "ww2", user: "lisi", account: connection == "corp" ? "lisi" : "east/lisi")
        (who.departments, who.tags) = ([3], [7])
        var byDepartment = Rule.Allow(), byTag = Rule.Allow(), byConnection = Rule.Allow()
        byDepartment.departments = [Rule.GroupID(connection: "corp", id: 3)]
        byTag.tags = [Rule.GroupID(connection: "corp", id: 7)]
        byConnection.connections = ["corp"]
        let allows: [(Rule.Allow, DenyReason)] = [(.users(["lisi"]), .user), (byDepartment, .department), (byTag, .tag), (byConnection, .connection)]
        for (allow, reason) in allows {
            let policy = Policy(rules: [Rule(path: .any, pattern: "*", methods: [], allow: allow, source: "a:1")])
            #expect(policy.decide(rule: 1, member: who) == (connection == "corp" ? .allow(rule: 1) : .deny(rule: 1, reason: reason)))
        }
    }

    @Test("max_age: an older login gets the login again, after every other key; what began in time may take its time")
    func ages() throws {
        let policy = Policy(rules: [Rule(path: .any, pattern: "*", methods: [], allow: .users(["zhangsan"]), maxAge: .seconds(900), source: "a:1")])
        let now = try #require(Circumstances.noon.now)
        func decide(_ age: Int64, _ account: String = "zhangsan", began: Int64 = 0) -> Decision {
            policy.decide(
                rule: 1, subject: Subject(member(account), authTime: now.advanced(by: .seconds(-age))),
                Circumstances(client: nil, now: now, began: now.advanced(by: .seconds(-began))))
        }
        #expect(decide(900) == .allow(rule: 1))
        #expect(decide(901) == .login(rule: 1))
        #expect(decide(901, "lisi") == .deny(rule: 1, reason: .user))
        #expect(decide(4000, began: 3200) == .allow(rule: 1))
        #expect(policy.decide(rule: 1, subject: Subject(member("zhangsan"), authTime: nil), .noon) == .login(rule: 1))
        #expect(policy.maxAge(rule: 1) == .seconds(900) && policy.maxAge(rule: 0) == nil)
    }

    @Test("what nobody knows no key holds for")
    func unknown() {
        var near = Rule.Allow(), open = Rule.Allow(asksLogin: false)
        near.networks = [IPNetwork("0.0.0.0/0")!]
        open.networks = near.networks
        var timed = Rule.Allow()
        timed.hours = [OpenHours(days: 127, from: 0, until: 1440, zone: .utc)]
        let policy = Policy(rules: [near, open, timed].map { Rule(path: .any, pattern: "*", methods: [], allow: $0, source: "a:1") })
        let nothing = Circumstances(client: nil, now: nil)
        let who = Subject(member(), authTime: nil)
        #expect(policy.decide(rule: 1, subject: who, nothing) == .deny(rule: 1, reason: .network))
        #expect(policy.decide(rule: 2, subject: who, nothing) == .deny(rule: 2, reason: .network))
        #expect(policy.decide(rule: 2, subject: nil, nothing) == .login(rule: 2))
        #expect(policy.decide(rule: 2, subject: nil, .noon) == .anyone(rule: 2))
        #expect(policy.decide(rule: 3, subject: who, nothing) == .deny(rule: 3, reason: .hours))
        #expect(!policy.asksHours(rule: 2) && policy.asksHours(rule: 3))
    }

    @Test("observe lets all through, login whoever has a session", arguments: [
        (Enforcement.required, false, false, false), (.login, false, true, true), (.observe, true, true, true),
    ])
    func enforcement(_ enforcement: Enforcement, nobody: Bool, denied: Bool, tooOld: Bool) {
        #expect(enforcement.letsThrough(.login(rule: 1), hasSession: false) == nobody)
        #expect(enforcement.letsThrough(.deny(rule: 1, reason: .user), hasSession: true) == denied)
        #expect(enforcement.letsThrough(.login(rule: 1), hasSession: true) == tooOld)
        #expect(!enforcement.letsThrough(.allow(rule: 1), hasSession: true) && !enforcement.letsThrough(.anyone(rule: 1), hasSession: false))
    }
}
