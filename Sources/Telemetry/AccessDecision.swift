/// What became of a request, as records and metrics call it.
public enum AccessDecision: UInt8, CaseIterable, Sendable {
    /// A rule let a session's member in.
    case allow
    /// A rule lets everybody in.
    case anyone
    /// Sent to the login, or told to log in.
    case login
    /// A rule keeps this member out.
    case deny
    /// Would have been refused, were the site's rules enforced.
    case observed
    /// Answered by the gateway's own pages.
    case own
    /// Malformed, unknown, too large: never came as far as a rule.
    case refused

    public var name: StaticString {
        switch self {
        case .allow: "allow"
        case .anyone: "anyone"
        case .login: "login"
        case .deny: "deny"
        case .observed: "observed"
        case .own: "own"
        case .refused: "refused"
        }
    }
}
