/// Whether a refused call is made again (facts of the interface: a new token once; "system busy" at most three times; nothing else).
/// After a time limit nothing is repeated, since the code may be spent.
public struct CallRetry: Sendable {
    public enum Step: Sendable, Equatable {
        /// Drop the token that was used, get another, and repeat.
        case newToken
        /// Repeat after this pause.
        case pause(Duration)
        case giveUp
    }

    private var hasNewToken = false
    private var pauses = 0

    public init() {}

    public mutating func next(after error: WeComError) -> Step {
        if error.asksForNewToken, !hasNewToken {
            hasNewToken = true
            return .newToken
        }
        if error.errcode == ErrorCode.busy, pauses < 3 {
            pauses += 1
            return .pause(.milliseconds([100, 300, 900][pauses - 1]))
        }
        return .giveUp
    }
}
