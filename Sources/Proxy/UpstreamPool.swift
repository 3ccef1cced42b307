import Bytes
import EventLoop
import HTTP
import TLS
import Telemetry

/// One worker's connections to one upstream (RFC 9112 section 9.3). Of HTTP/1.1 the one used last is used first: the others may grow old and be closed. Of HTTP/2 the
/// first that has room for another stream; where none has, further ones are opened.
final class UpstreamPool {
    /// Kept connections that wait for work; and as many that wait with the clients to whom they belong.
    static let maxIdle = 1024
    /// How long one may wait.
    static let idleLimit: UInt64 = 50_000_000_000
    /// The same diagnostic is not repeated sooner.
    private static let reportInterval: UInt64 = 60_000_000_000

    let loop: EventLoop
    let resolver: UpstreamResolver
    let connectLimit: UInt64
    let scheme: UpstreamAddress.Scheme
    private let address: UpstreamAddress
    private let siteID: String
    private let tls: TLSClientContext?
    /// For what HTTP/2 cannot carry.
    private let tlsForHTTP1: TLSClientContext?
    private let recorder: Recorder?
    private var reported: [String: MonotonicTime] = [:]

    private var idle: [UpstreamConnection] = []
    /// Those that wait with the clients to whom they belong (`BoundConnections`), the one that has waited longest first.
    private var lent = WaitingLine<UpstreamConnection>()
    private var shared: [HTTP2UpstreamConnection] = []
    /// Who waits for a stream of a connection that is being made, or for room; in order.
    private var waiting: [Waiting] = []
    private struct Waiting {
        let relay: Relay
        /// What it asked for; it may have gone elsewhere since.
        let ticket: Int
        var isIn: Bool { relay.awaits(ticket) }
    }
    /// Attempts on behalf of one each.
    private var ownDials: [ObjectIdentifier: UpstreamDial] = [:]
    /// Attempts under way on behalf of those.
    private var dials = 0
    /// Whether HTTP/2 is spoken; nil: the upstream was not asked yet.
    private var speaksHTTP2: Bool?
    /// Streams that one connection carried when it was last asked.
    private var streamsPerConnection = 100
    /// None is kept any more.
    private var isClosed = false

    /// Hears of each connection that was made, or could not be.
    private let tried: (Bool) -> Void

    init(_ address: UpstreamAddress, of site: SiteOptions, on loop: EventLoop, recorder: Recorder?, tried: @escaping (Bool) -> Void) {
        self.tried = tried
        self.loop = loop
        self.address = address
        self.recorder = recorder
        scheme = address.scheme
        siteID = site.id
        connectLimit = site.timeouts.connect.nanoseconds
        resolver = UpstreamResolver(address, on: loop)
        if address.scheme == .https {
            let options = TLSClientOptions(
                serverName: site.upstreamTLS.serverName ?? address.host, authoritiesPEM: site.upstreamTLS.authoritiesPEM, certificate: site.upstreamTLS.certificate)
            // What was read is checked already; without a context there is no connection.
            tls = try? TLSClientContext(options, protocols: ["h2", "http/1.1"])
            tlsForHTTP1 = try? TLSClientContext(options, protocols: ["http/1.1"])
        } else {
            tls = nil
            tlsForHTTP1 = nil
        }
        switch address.scheme {
        case .http, .unix: speaksHTTP2 = false
        case .h2c: speaksHTTP2 = true
        case .https: speaksHTTP2 = nil
        }
        // A look-up may last longer than the gateway for which it was begun.
        resolver.changed = { [weak self] in self?.dropStrangers() }
    }

    // MARK: taking

    /// A kept connection, a stream of one, or a new one once it stands. `fresh`: not one that waited.
    func take(for relay: Relay, fresh: Bool = false) {
        resolver.refresh()
        if mayShare(relay) {
            for connection in shared where connection.room > 0 { return serve(relay, on: connection) }
        }
        while !fresh, let kept = idle.popLast() {
            kept.indexInPool = -1
            // What cannot be asked twice does not go to an upstream that has closed already; a look costs less than the error.
            if relay.mayRepeat || kept.isQuiet { return relay.attach(kept) }
            kept.close()
        }
        relay.connecting()
        if mayShare(relay) {
            waiting.append(Waiting(relay: relay, ticket: relay.ticket))
            dialForWaiting()
        } else {
            dial(for: relay)
        }
    }

    /// A WebSocket needs extended CONNECT over HTTP/2; over TLS there is HTTP/1.1 to turn to, which every upstream with WebSockets speaks.
    private func mayShare(_ relay: Relay) -> Bool { speaksHTTP2 != false && !(relay.isForWebSocket && scheme == .https) }

    private func serve(_ relay: Relay, on connection: HTTP2UpstreamConnection) {
        if relay.isForWebSocket, !connection.takesWebSockets { return relay.upstreamFailed(.broken) }
        relay.attach(HTTP2UpstreamStream(on: connection))
    }

    private func serveWaiting() {
        // Each is out of the line before it is served: what fails at once may change the line.
        while !waiting.isEmpty, let connection = shared.first(where: { $0.room > 0 }) {
            let each = waiting.removeFirst()
            if each.isIn { serve(each.relay, on: connection) }
        }
    }

    // MARK: connecting

    /// As many attempts as those who wait need connections.
    private func dialForWaiting() {
        waiting.removeAll { !$0.isIn }
        let wanted = speaksHTTP2 == nil ? min(1, waiting.count) : (waiting.count + streamsPerConnection - 1) / streamsPerConnection
        // An attempt may fail at once, and then nobody waits any more.
        while dials < wanted, !waiting.isEmpty {
            dials += 1
            dial(for: nil)
        }
    }

    private func dial(for relay: Relay?) {
        if scheme == .unix { return dial(nil, for: relay) }
        let ticket = relay?.ticket ?? 0
        resolver.resolve { [weak self] address in
            guard let self else { return }
            if let relay, !relay.awaits(ticket) { return }
            if let address { return dial(address, for: relay) }
            report("the name has no address")
            failed(nil, relay)
        }
    }

    private func dial(_ socketAddress: SocketAddress?, for relay: Relay?) {
        let context = relay == nil ? tls : tlsForHTTP1
        if scheme == .https, context == nil { return failed(socketAddress, relay) }
        let socket: Descriptor
        do throws(SystemError) {
            if let socketAddress { socket = try Sockets.connect(to: socketAddress) } else { socket = try Sockets.connect(toUnix: address.host) }
        } catch {
            report(error.description)
            if !error.isWantOfMeans { return failed(socketAddress, relay) }
            return tell(.outOfMeans, relay)
        }
        guard let transport = try? Transport(socket, towards: context) else { return tell(.outOfMeans, relay) }
        let dial = UpstreamDial(transport, to: socketAddress, of: self, for: relay)
        // Not longer than those for whom it is made can wait: then another address may have its turn.
        let limit = (relay ?? waiting.first?.relay)?.connectShare ?? connectLimit
        if let relay { ownDials[ObjectIdentifier(relay)] = dial }
        do { try dial.start(limit: min(connectLimit, limit)) } catch { dial.failed("no connection") }
    }

    /// An attempt came to nothing.
    func failed(_ dial: UpstreamDial) {
        guard let relay = dial.relay else { return failed(dial.address, nil) }
        ownDials[ObjectIdentifier(relay)] = nil
        if dial.isAwaited { return failed(dial.address, relay) }
        tried(false)
        if let address = dial.address { resolver.avoid(address) }
    }

    /// `relay` cannot wait for its connection any longer.
    func tookTooLong(for relay: Relay) {
        if let dial = ownDials[ObjectIdentifier(relay)] { return dial.failed("no connection in time") }
        waiting.removeAll { $0.relay === relay }
        relay.upstreamFailed(.unreachable)
    }

    private func failed(_ address: SocketAddress?, _ relay: Relay?) {
        tried(false)
        if let address { resolver.avoid(address) }
        tell(.unreachable, relay)
    }

    /// No connection comes of an attempt for `relay`, or for those who wait.
    private func tell(_ failure: UpstreamFailure, _ relay: Relay?) {
        if let relay { return relay.upstreamFailed(failure) }
        dials -= 1
        // As many as would have used it are told, so that nobody waits for one attempt after the other.
        let count = speaksHTTP2 == nil ? waiting.count : min(waiting.count, streamsPerConnection)
        let told = Array(waiting.prefix(count))
        waiting.removeFirst(count)
        for each in told where each.isIn { each.relay.upstreamFailed(failure) }
    }

    /// A connection stands that carries one exchange at a time.
    func established(_ connection: UpstreamConnection, by dial: UpstreamDial) {
        tried(true)
        do { try connection.start() } catch { return failed(dial) }
        connection.generation = resolver.generation
        if let relay = dial.relay {
            ownDials[ObjectIdentifier(relay)] = nil
            return dial.isAwaited ? relay.attach(connection) : connection.rest()
        }
        // The first connection has shown what the upstream speaks: each of those who wait needs one of its own.
        dials -= 1
        speaksHTTP2 = false
        var others = waiting.filter(\.isIn)
        waiting = []
        if others.isEmpty { return connection.rest() }
        others.removeFirst().relay.attach(connection)
        for each in others where each.isIn { self.dial(for: each.relay) }
    }

    /// A connection stands that carries many.
    func established(_ connection: HTTP2UpstreamConnection, by dial: UpstreamDial) {
        // Who greets with GOAWAY, or takes no streams, is no use: to dial again at once would never end.
        guard connection.room > 0 else {
            connection.lost()
            return failed(dial)
        }
        tried(true)
        dials -= 1
        speaksHTTP2 = true
        streamsPerConnection = connection.concurrentStreams
        shared.append(connection)
        serveWaiting()
        dialForWaiting()
    }

    /// A stream ended on it.
    func hasRoom(_ connection: HTTP2UpstreamConnection) { if !waiting.isEmpty { serveWaiting() } }

    // MARK: keeping

    /// Takes back a connection whose exchange is through.
    func giveBack(_ connection: UpstreamConnection) {
        if isClosed || idle.count >= Self.maxIdle || isStranger(connection) { return connection.close() }
        connection.indexInPool = idle.count
        idle.append(connection)
    }

    /// A connection is to wait with the client to whom it belongs. False where nothing is kept, or not to that address.
    func lendsOut(_ connection: UpstreamConnection) -> Bool {
        if isClosed || isStranger(connection) { return false }
        if lent.count >= Self.maxIdle, let oldest = lent.first { oldest.guest.close() }
        connection.binding?.place = lent.join(connection)
        return true
    }

    /// It waits no more.
    func leaves(_ connection: UpstreamConnection) {
        resolver.refresh()
        forgetLent(connection)
    }

    private func forgetLent(_ connection: UpstreamConnection) {
        guard let binding = connection.binding, let place = binding.place else { return }
        binding.place = nil
        lent.leave(place)
    }

    /// Keeps no connection any more. Requests that still come get new ones.
    func close() {
        isClosed = true
        let idle = self.idle
        self.idle = []
        for connection in idle {
            connection.indexInPool = -1
            connection.close()
        }
        for connection in lent.guests { connection.close() }
        for connection in shared { connection.retire() }
    }

    /// A connection was closed; it is forgotten.
    func remove(_ connection: UpstreamConnection) {
        forgetLent(connection)
        let index = connection.indexInPool
        guard index >= 0 else { return }
        connection.indexInPool = -1
        idle.remove(at: index)
        for at in index..<idle.count { idle[at].indexInPool = at }
    }

    func remove(_ connection: HTTP2UpstreamConnection) { shared.removeAll { $0 === connection } }

    /// The upstream's name means other addresses now: connections to those it no longer means are given up once nothing is under way on them.
    private func dropStrangers() {
        for connection in idle + lent.guests where isStranger(connection) { connection.close() }
        for connection in shared where !resolver.names(connection.address) { connection.retire() }
    }

    private func isStranger(_ connection: UpstreamConnection) -> Bool {
        if connection.generation == resolver.generation { return false }
        connection.generation = resolver.generation
        return !resolver.names(connection.address)
    }

    // MARK: telling

    /// Why no connection could be made, for the administrator.
    func report(_ problem: String) {
        if let last = reported[problem], loop.now.since(last) < Self.reportInterval { return }
        // A name of several addresses may have several problems in turn.
        if reported.count >= 8 { reported.removeAll() }
        reported[problem] = loop.now
        recorder?.log(.warn, "upstream connection", [("site", siteID), ("upstream", address.text), ("problem", problem)])
    }
}
