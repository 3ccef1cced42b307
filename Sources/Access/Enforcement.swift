/// How much a site's rules count.
public enum Enforcement: String, CaseIterable, Sendable {
    /// They are kept.
    case required
    /// People log in; what else rules say is only recorded.
    case login
    /// Nobody is sent to the login or refused; what rules say is only recorded.
    case observe

    /// Whether a request goes on although its rule decided so: then it is recorded as observed.
    /// - Parameter hasSession: somebody with a live session asks.
    public func letsThrough(_ decision: Decision, hasSession: Bool) -> Bool {
        switch (self, decision) {
        case (_, .anyone), (_, .allow), (.required, _): false
        case (.observe, _): true
        case (.login, _): hasSession
        }
    }
}
