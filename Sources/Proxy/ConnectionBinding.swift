import Access

/// To whom a connection to an upstream belongs that logs somebody in (`ConnectionLogin`): one client connection, and one session on it, or nobody's. The
/// upstream takes whatever comes over it for that person's, so it never serves another, and never goes back to its pool.
final class ConnectionBinding {
    let member: UpstreamMember
    /// Of the session with which it was asked for; nil: without one. Somebody else may log in on the same client connection.
    let sid: String?
    private weak var owner: BoundConnections?
    /// How far the login is.
    var progress: ConnectionLogin.Progress
    /// Where it stands among those of its pool that wait with their clients; nil: it serves.
    var place: WaitingLine<UpstreamConnection>.Place?

    init(to owner: BoundConnections, at member: UpstreamMember, sid: String?, _ progress: ConnectionLogin.Progress) {
        self.owner = owner
        self.member = member
        self.sid = sid
        self.progress = progress
    }

    /// Its exchange is through: it waits for the next of the same client, or ends where there is none.
    func keep(_ connection: UpstreamConnection) {
        if let owner { owner.keep(connection) } else { connection.close() }
    }

    /// It was closed while it waited.
    func remove(_ connection: UpstreamConnection) { owner?.remove(connection) }

    /// How well it suits a request, higher is better; nil: not at all. What goes on with a login must find the connection on which that began, and what knows
    /// nothing of one must not come between. Over HTTP/2 several may be under way at once.
    func rank(forLogin brings: Bool) -> Int? {
        switch progress {
        case .challenged: brings ? 2 : nil
        case .asked, .none: brings ? 1 : 0
        case .done: brings ? 0 : 1
        }
    }
}
