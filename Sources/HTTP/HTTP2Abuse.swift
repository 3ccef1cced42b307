/// The budgets and bounds of HTTP/2 that a client can break, by the names that metrics and records show.
public enum HTTP2Abuse: String, CaseIterable, Sendable {
    case clientResets = "client_resets"
    case ownResets = "own_resets"
    case settings
    case pings
    case emptyData = "empty_data"
    case priority
    case windowUpdates = "window_updates"
    case unknownFrames = "unknown_frames"
    /// A header block that decodes to many times what a head may take.
    case headBytes = "head_bytes"
    /// CONTINUATION frames without end.
    case continuations
    /// Frames that the client provokes and does not read.
    case unreadFrames = "unread_frames"
    /// A stream that neither sends nor takes what it asked for. The stream ends, not the connection.
    case stalledStreams = "stalled_streams"

    init(_ kind: HTTP2FrameBudget.Kind) {
        self = switch kind {
        case .clientReset: .clientResets
        case .ownReset: .ownResets
        case .settings: .settings
        case .ping: .pings
        case .emptyData: .emptyData
        case .priority: .priority
        case .windowUpdate: .windowUpdates
        case .unknown: .unknownFrames
        }
    }
}
