/// Why an upstream did not answer.
public enum UpstreamFailure: Sendable {
    /// No connection could be made, none in time, or none to be trusted.
    case unreachable
    /// No connection could be made for want of something of the gateway's own: it has no descriptor, or no memory, left. It says nothing of the upstream.
    case outOfMeans
    /// There was a connection, but the upstream certainly did nothing of the request: its stream was refused, or lies above what GOAWAY named (RFC 9113
    /// section 8.7).
    case notExecuted
    /// A kept connection ended before a byte of the answer came: the upstream had closed it while we wrote. Or it spoke before it was asked.
    case staleConnection
    /// A connection made for this request ended before a byte of the answer came.
    case unanswered
    /// The connection ended, or what came is not HTTP.
    case broken
    case timedOut
}
