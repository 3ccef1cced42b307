import Access
import HTTP

/// The connections to upstreams that belong to one client connection (`ConnectionBinding`), while they wait between its exchanges. They end with it.
///
/// Of HTTP/1.1 alone: an HTTP/2 connection carries everybody's requests, and no login of NTLM's kind can be made on it.
final class BoundConnections {
    /// So many may wait with one client connection: an HTTP/2 client can have one bound by each of its streams. For a further one the one that waited longest is
    /// closed.
    static let most = 8
    /// How long one may wait: longer than a client of HTTP/1.1 may rest (`ServerLimits.keepAlive`), so that its login does not end before its connection does. A
    /// client of HTTP/2 may be busy with other sites.
    static let idleLimit: UInt64 = 120_000_000_000

    /// Those that wait, the one used last at the end.
    private var waiting: [UpstreamConnection] = []
    private var isClosed = false

    var count: Int { waiting.count }

    /// The one that `relay` is to use, before the balancer has its say; nil: an ordinary one is. Whoever uses it takes it (`take`). `member`: at that upstream alone.
    func choice(for relay: Relay, at member: UpstreamMember? = nil) -> UpstreamConnection? {
        // A preflight comes from the browser and not from the person.
        if waiting.isEmpty || !relay.exchange.trace.isJudged { return nil }
        endOthers(than: relay.exchange.session?.record.sid, at: relay.site)
        let brings = ConnectionLogin.isBrought(by: relay.exchange.head.fields)
        while let connection = best(at: relay.site, member, forLogin: brings) {
            // Who finds it closed by the upstream may have another; a look costs less than the login anew.
            if connection.isQuiet { return connection }
            connection.close()
        }
        return nil
    }

    /// What was logged in for another session, or for none, is not for this one; nor does anything go to an upstream that is passed over.
    private func endOthers(than sid: String?, at site: Site) {
        for connection in waiting {
            guard let binding = connection.binding, site.has(binding.member) else { continue }
            if binding.sid != sid || site.group.passesOver(binding.member) { connection.close() }
        }
    }

    private func best(at site: Site, _ member: UpstreamMember?, forLogin brings: Bool) -> UpstreamConnection? {
        var best: (connection: UpstreamConnection, rank: Int)?
        for connection in waiting.reversed() {
            guard let binding = connection.binding, site.has(binding.member), member == nil || binding.member === member else { continue }
            if let rank = binding.rank(forLogin: brings), rank > best?.rank ?? -1 { best = (connection, rank) }
        }
        return best?.connection
    }

    /// It serves from now on.
    func take(_ connection: UpstreamConnection) {
        connection.pool.leaves(connection)
        remove(connection)
    }

    /// Lets one wait here; one that must not is closed.
    func keep(_ connection: UpstreamConnection) {
        if isClosed || !connection.pool.lendsOut(connection) { return connection.close() }
        if waiting.count == Self.most { waiting[0].close() }
        waiting.append(connection)
        connection.armLimit(Self.idleLimit)
    }

    func remove(_ connection: UpstreamConnection) { waiting.removeAll { $0 === connection } }

    /// The client connection is over.
    func close() {
        isClosed = true
        for connection in waiting { connection.close() }
    }
}
