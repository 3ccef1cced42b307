public import HTTP

/// What is to be done with a request. `rule` counts from 1; 0 is the rule behind all written ones, *members*.
public enum Decision: Equatable, Sendable {
    /// No login needed; who has a live session is identified all the same.
    case anyone(rule: Int)
    /// A member for whom the rule holds.
    case allow(rule: Int)
    /// Nobody yet, or somebody whose login is older than the rule's `max_age`: log in first.
    case login(rule: Int)
    /// A member for whom the rule does not hold. Final.
    case deny(rule: Int, reason: DenyReason)

    /// The number of the rule that decided.
    public var rule: Int {
        switch self {
        case .anyone(let rule), .allow(let rule), .login(let rule), .deny(let rule, _): rule
        }
    }
}

/// Which key of a rule did not hold: a short fixed word.
public enum DenyReason: String, Sendable {
    case user = "user-not-listed"
    case department = "department-not-listed"
    case tag = "tag-not-listed"
    case connection = "connection-not-listed"
    case network = "network-not-listed"
    case hours = "outside-hours"
}

/// Names a rule to people: in pages, problems, records and explanations.
public struct RuleReference: Equatable, Sendable {
    /// Counts from 1; 0: no written rule matched, so members.
    public var number: Int
    /// As it was written; `*` where there was none.
    public var pattern: String
    /// `FILE:LINE`; `default` for number 0.
    public var source: String

    public init(number: Int, pattern: String, source: String) {
        self.number = number
        self.pattern = pattern
        self.source = source
    }
}

/// A request's method as rules see it: a WebSocket is a GET, however it is asked for.
public struct RuleMethod: Sendable {
    let known: Method
    let token: ArraySlice<UInt8>

    public init(_ head: RequestHead) {
        known = head.isWebSocket ? .get : head.method
        token = known == .other ? head.fields.arena[head.methodBytes] : []
    }

    /// From the method's token (`GET`), for explanations. Methods are compared as they are written (RFC 9110 section 9.1).
    public init(token: String) {
        known = Method(token: token)
        self.token = known == .other ? Array(token.utf8)[...] : []
    }
}

/// The access rules of one site, made ready to be asked. Answers depend on rules, path, method, who asks and the circumstances alone.
public struct Policy: Sendable {
    private let compiled: [CompiledRule]
    private let rules: [Rule]
    private let ignoreCase: Bool
    /// Where there are more rules than are looked at one after the other; it brings few rules to look at, whatever their number.
    private let index: PathIndex?
    private static let few = 8

    /// - Parameter ignoreCase: case, and trailing dots and blanks of a segment, do not count (`paths.ignore_case`).
    public init(rules: [Rule], ignoreCase: Bool = false) {
        self.rules = rules
        self.ignoreCase = ignoreCase
        compiled = rules.map { CompiledRule($0, ignoreCase: ignoreCase) }
        index = rules.count > Self.few ? PathIndex(compiled.map(\.pattern)) : nil
    }

    /// The number of the first rule whose path and methods match; 0 where none does.
    /// - Parameter path: canonical: percent-decoded once, a run of `/` made one, without query.
    public func rule(path: Span<UInt8>, method: RuleMethod) -> Int {
        if ignoreCase {
            let folded = PathFolding.fold(path)
            return match(folded.span, method)
        }
        return match(path, method)
    }

    /// The same of an array, off the hot path.
    public func rule(path: [UInt8], method: RuleMethod) -> Int { rule(path: path.span, method: method) }

    private func match(_ path: Span<UInt8>, _ method: RuleMethod) -> Int {
        // A rule that is read in place is not copied for the while.
        let rules = compiled.span
        if let index { return index.first(path, where: { rules[$0].takes(method) }).map { $0 &+ 1 } ?? 0 }
        for i in rules.indices where rules[i].takes(method) && rules[i].pattern.has(path) { return i &+ 1 }
        return 0
    }

    /// What rule number `rule` says to `subject`; nil: nobody (no live session).
    public func decide(rule: Int, subject: Subject?, _ circumstances: Circumstances) -> Decision {
        guard compiled.indices.contains(rule &- 1) else { return subject == nil ? .login(rule: rule) : .allow(rule: rule) }
        return compiled[rule &- 1].allow.decide(rule, subject, circumstances)
    }

    /// How old a login rule number `rule` takes; nil: it does not ask.
    public func maxAge(rule: Int) -> Duration? { rules.indices.contains(rule - 1) ? rules[rule - 1].maxAge : nil }

    /// Whether what rule number `rule` says changes with the time of day.
    public func asksHours(rule: Int) -> Bool { compiled.indices.contains(rule &- 1) && compiled[rule &- 1].allow.isTimed }

    /// How to name rule number `rule` to people.
    public func reference(_ rule: Int) -> RuleReference {
        guard rules.indices.contains(rule - 1) else { return RuleReference(number: 0, pattern: "*", source: "default") }
        return RuleReference(number: rule, pattern: rules[rule - 1].pattern, source: rules[rule - 1].source)
    }
}

/// A rule's path and methods as a few bytes and bits.
struct CompiledRule: Sendable {
    let allow: CompiledAllow
    let pattern: PathIndex.Pattern
    /// Bit by `Method.rawValue`; all bits where no methods were given.
    private let methods: UInt16
    /// Tokens that `Method` does not know.
    private let others: [[UInt8]]
    private static let all = UInt16.max

    init(_ rule: Rule, ignoreCase: Bool) {
        allow = CompiledAllow(rule)
        func ready(_ path: [UInt8]) -> [UInt8] { ignoreCase ? PathFolding.fold(path.span) : path }
        switch rule.path {
        // Every path begins with a `/`, so all lie below the empty one.
        case .any: pattern = PathIndex.Pattern(path: [], below: true)
        case .exactly(let path): pattern = PathIndex.Pattern(path: ready(path), below: false)
        case .under(let path):
            // `/*` may come as `/` or as nothing: the border is the `/` that follows.
            let path = ready(path)
            pattern = PathIndex.Pattern(path: path.last == 0x2F ? Array(path.dropLast()) : path, below: true)
        }
        var mask: UInt16 = 0
        var others: [[UInt8]] = []
        for token in rule.methods {
            let method = Method(token: token)
            if method == .other { others.append(Array(token.utf8)) } else { mask |= 1 << UInt16(method.rawValue) }
            if method == .get { mask |= 1 << UInt16(Method.head.rawValue) }
        }
        methods = rule.methods.isEmpty ? Self.all : mask
        self.others = others
    }

    func takes(_ method: RuleMethod) -> Bool {
        methods == Self.all || methods & (1 << UInt16(method.known.rawValue)) != 0 || isOther(method)
    }

    private func isOther(_ method: RuleMethod) -> Bool {
        method.known == .other && others.contains { $0.elementsEqual(method.token) }
    }
}

extension Method {
    /// The method that `token` names, in upper case.
    init(token: String) {
        self =
            switch token {
            case "GET": .get
            case "HEAD": .head
            case "POST": .post
            case "PUT": .put
            case "DELETE": .delete
            case "OPTIONS": .options
            case "PATCH": .patch
            case "CONNECT": .connect
            case "TRACE": .trace
            default: .other
            }
    }
}
