/// What `menwei explain` prints: which site and rule a request falls under, and what they say.
public struct Explanation: Equatable, Sendable {
    /// What becomes of the request.
    public enum Outcome: String, Sendable { case allow, login, deny }

    /// `-` where there is none.
    public var site: String
    /// Nil where the request reached no rule.
    public var rule: RuleReference?
    public var outcome: Outcome
    /// For people; one line.
    public var reason: String
    /// 0 allowed, 3 login, 4 denied or malformed, 5 no such site.
    public var exitStatus: Int32

    /// `site: ID`, `rule: N PATTERN FILE:LINE`, `decision: …`, `reason: TEXT`. Rules count from 1; what no written rule matches is members, shown as
    /// `rule: 0 * default`; where no rule was reached: `rule: -`.
    public var lines: [String] {
        let rule = rule.map { "\($0.number) \($0.pattern) \($0.source)" } ?? "-"
        return ["site: \(site)", "rule: \(rule)", "decision: \(outcome.rawValue)", "reason: \(reason)"]
    }

    /// What the gateway makes of what rule number `rule` says.
    public init(site: String, policy: Policy, enforcement: Enforcement, rule: Int, subject: Subject?, _ circumstances: Circumstances) {
        self.site = site
        let decision = policy.decide(rule: rule, subject: subject, circumstances)
        self.rule = policy.reference(rule)
        switch decision {
        case .anyone: (outcome, reason, exitStatus) = (.allow, "anyone: no login needed", 0)
        case .allow: (outcome, reason, exitStatus) = (.allow, "\(subject?.member.account ?? "") is let in", 0)
        case .login where subject == nil: (outcome, reason, exitStatus) = (.login, "no session", 3)
        case .login: (outcome, reason, exitStatus) = (.login, subject?.authTime == nil ? "login-too-old: no age is given" : "login-too-old", 3)
        case .deny(_, let why):
            (outcome, exitStatus) = (.deny, 4)
            reason = why == .network && circumstances.client == nil ? "\(why.rawValue): no address is given"
                : why == .hours && circumstances.now == nil ? "\(why.rawValue): no time is given" : why.rawValue
        }
        if enforcement.letsThrough(decision, hasSession: subject != nil) {
            (reason, outcome, exitStatus) = ("enforcement is \(enforcement.rawValue), else \(outcome.rawValue): \(reason)", .allow, 0)
        }
    }

    private init(site: String, outcome: Outcome, reason: String, exitStatus: Int32) {
        self.site = site
        self.outcome = outcome
        self.reason = reason
        self.exitStatus = exitStatus
    }

    /// The origin, or the path of it, belongs to no site.
    public static func noSuchSite(_ reason: String = "no site has this address") -> Explanation {
        Explanation(site: "-", outcome: .deny, reason: reason, exitStatus: 5)
    }

    /// The request would be refused before any rule is asked. `code` is the fault's fixed word.
    public static func malformed(site: String = "-", code: String) -> Explanation {
        Explanation(site: site, outcome: .deny, reason: "malformed: \(code)", exitStatus: 4)
    }

    /// A path of the gateway's own: no rule has a say.
    public static func own() -> Explanation {
        Explanation(site: "-", outcome: .allow, reason: "a path of the gateway itself", exitStatus: 0)
    }
}
