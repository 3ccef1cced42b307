/// Why an upstream did not answer.
public enum UpstreamFailure: Sendable {
    /// No connection could be made, none in time, or none to be trusted.
    case unreachable
    /// There was a connection, but the upstream certainly did nothing of the request: no byte of it went out, the stream was refused, or lies above what GOAWAY
    /// named (RFC 9113 section 8.7).
    case notExecuted
    /// A kept connection ended before a byte of the answer came: the upstream had closed it while we wrote.
    case staleConnection
    /// The connection ended, or what came is not HTTP.
    case broken
    case timedOut

    /// Whether the request may be asked again whatever its method, as long as all of it is still at hand.
    var isCertainlyNotExecuted: Bool {
        switch self {
        case .unreachable, .notExecuted: true
        case .staleConnection, .broken, .timedOut: false
        }
    }
}
