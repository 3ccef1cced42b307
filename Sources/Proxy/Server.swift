import Bytes
public import EventLoop
public import HTTP
public import Telemetry
public import TLS

/// Whoever decides what becomes of a request: the gateway, or a responder that answers all of them itself. One a worker.
public protocol ExchangeHandler: AnyObject {
    /// The head is there. The handler sees to it that the exchange is answered, now or later.
    func begin(_ exchange: Exchange)
    /// The request could not be read: the exchange has at most a part of its head, and must be answered at once.
    func refuse(_ exchange: Exchange, _ fault: ProtocolFault)
    /// The upstream to which the handler had it forwarded did not answer.
    func upstreamFailed(_ exchange: Exchange, _ failure: UpstreamFailure)
    /// Whether it would let through what is under way already, by what is known now.
    func wouldPass(_ exchange: Exchange) -> Bool
    /// The exchange is over; for records and metrics.
    func finished(_ exchange: Exchange)
    /// A client broke a bound of HTTP/2; for records and metrics.
    func abused(_ bound: HTTP2Abuse, by client: String)
}

/// One worker's front: listeners, the connections they took, and the handler that serves them. Belongs to its loop.
public final class Server {
    /// The worker's; everything of the server is called on it.
    public let loop: EventLoop
    public let limits: ServerLimits
    let nanoseconds: Nanoseconds
    public private(set) var handler: any ExchangeHandler
    private var listeners: [ServerListener] = []
    private var connections: [ClientConnection] = []
    private var tls: TLSContext?
    /// Whose word on their clients counts.
    private(set) var trusted: TrustedPeers
    private var census = ConnectionCensus()
    /// Those that are not established yet.
    private var newcomers = Newcomers()
    /// Where the search for an idle connection goes on.
    private var idleCursor = 0
    private var onDrained: (() -> Void)?
    private let metrics: WorkerMetrics?
    public private(set) var isDraining = false
    private var requestIDs: RequestIDGenerator
    /// `Date` in its wire form, renewed each second.
    let dateCache = DateCache()
    let heads = RequestHeadPool()
    /// What waits for clients.
    var answers: HeldAnswers

    /// The limits in the unit of the loop.
    struct Nanoseconds {
        let handshake, handshakeGrace, head, keepAlive, stall, lastRequest, linger, lingerTotal, ownAnswer, keptForm: UInt64
        init(_ limits: ServerLimits) {
            handshake = limits.handshake.nanoseconds
            handshakeGrace = limits.handshakeGrace.nanoseconds
            head = limits.head.nanoseconds
            keepAlive = limits.keepAlive.nanoseconds
            stall = limits.stall.nanoseconds
            lastRequest = limits.lastRequest.nanoseconds
            linger = limits.linger.nanoseconds
            lingerTotal = limits.lingerTotal.nanoseconds
            ownAnswer = limits.ownAnswer.nanoseconds
            keptForm = limits.keptForm.nanoseconds
        }
    }

    public init(on loop: EventLoop, limits: ServerLimits, tls: TLSContext?, handler: any ExchangeHandler, trusted: TrustedPeers = TrustedPeers(), metrics: WorkerMetrics? = nil) {
        self.loop = loop
        self.trusted = trusted
        self.limits = limits
        self.tls = tls
        self.handler = handler
        self.metrics = metrics
        answers = HeldAnswers(limit: limits.answers)
        nanoseconds = Nanoseconds(limits)
        requestIDs = RequestIDGenerator(seed: (.random(in: 0 ... .max), .random(in: 0 ... .max), .random(in: 0 ... .max), .random(in: 0 ... .max)))
    }

    func nextRequestID() -> RequestID { requestIDs.next() }

    /// How many clients are connected.
    public var connectionCount: Int { connections.count }

    /// Listens on a socket that is already bound.
    public func listen(on socket: consuming Descriptor) throws(SystemError) {
        listen(on: try ServerListener(socket, on: loop))
    }

    // MARK: reload

    /// Takes what comes to `listener` from now on, whichever server of this loop had it before.
    public func listen(on listener: ServerListener) {
        listener.server = self
        listeners.append(listener)
    }

    /// Gives up the listeners that have none of these names: for another server, or to be closed. Until then they still serve here.
    public func release(unless names: Set<String>) -> [ServerListener] {
        let released = listeners.filter { !names.contains($0.name) }
        listeners.removeAll { !names.contains($0.name) }
        return released
    }

    /// New connections use `context`; the others keep theirs.
    public func replace(tls context: TLSContext) { tls = context }

    /// New requests go to `handler`, those under way stay with whom they began with.
    public func replace(handler: any ExchangeHandler) { self.handler = handler }

    /// Ends what is under way and for which `stands` does not hold, as if its session had ended, and all streams of the gateway's own.
    public func review(_ stands: (Exchange) -> Bool) {
        // Listed first: who loses a stream may lose the connection with it.
        for exchange in connections.flatMap(\.running) {
            if let stream = exchange.ownStream { stream.end() } else if !stands(exchange) { exchange.sessionEnded() }
        }
    }

    /// Connections that begin from now on, and requests on those that are there, are judged by `peers`.
    public func replace(trusted peers: TrustedPeers) { trusted = peers }

    // MARK: who comes in

    func accepted(_ socket: consuming Descriptor, from address: IPAddress) {
        let isAnnounced = trusted.proxyProtocol.contains(address: address)
        if let reason = refusal(of: address, isAnnounced: isAnnounced, descriptor: socket.raw) { return turnAway(socket, reason) }
        // Whoever made room left a lower number: those above the limit stay free.
        let socket = Sockets.renumbered(socket, below: limits.descriptors)
        // A connection for which there is no memory is dropped: the client sees it closed.
        guard let connection = try? ClientConnection(socket, from: address, isAnnounced: isAnnounced, to: self, tls: tls) else { return }
        connection.index = connections.count
        connections.append(connection)
        metrics?.connectionOpened()
        if isAnnounced || tls != nil { newcomers.add(connection, from: isForMany(address, isAnnounced) ? nil : address) }
        if !isAnnounced { connection.isCounted = count(address) }
        do { try connection.start() } catch { connection.close() }
    }

    /// Why there is no room for one more, if so. Idle connections and handshakes that do not end make room first.
    private func refusal(of address: IPAddress, isAnnounced: Bool, descriptor: Int32) -> ConnectionRefusal? {
        if descriptor >= limits.descriptors, !closeIdle() { return .descriptors }
        if connections.count >= limits.connections, !closeIdle() { return .total }
        if !isAnnounced, isFull(address) { return .address }
        if newcomers.count >= limits.handshakes {
            guard let leaving = leavingNewcomer(for: isForMany(address, isAnnounced) ? nil : address) else { return .handshakes }
            refuse(leaving, .handshakes)
        }
        return nil
    }

    /// Which handshake makes room for one from `address`: the oldest, if it takes long; or one of a client who holds more than an eighth of them, where
    /// `address` is not such a client itself.
    private func leavingNewcomer(for address: IPAddress?) -> ClientConnection? {
        if let oldest = newcomers.oldest, loop.now.since(oldest.began) >= nanoseconds.handshakeGrace { return oldest }
        let share = max(1, limits.handshakes / 8)
        if let address, newcomers.count(of: address) >= share { return nil }
        return newcomers.oldest(ofCrowdAbove: share)
    }

    private func turnAway(_ socket: consuming Descriptor, _ reason: ConnectionRefusal) {
        metrics?.connectionRefused(reason)
        Sockets.resetOnClose(socket)
    }

    /// Ends a connection that must not go on, without a word.
    func refuse(_ connection: ClientConnection, _ reason: ConnectionRefusal) {
        metrics?.connectionRefused(reason)
        connection.reset()
    }

    /// The connection's balancer said who the client is. False where that client has too many already.
    func announced(_ connection: ClientConnection) -> Bool {
        if isFull(connection.address) { return false }
        connection.isCounted = count(connection.address)
        return true
    }

    /// The connection's handshake is done.
    func established(_ connection: ClientConnection) { newcomers.remove(connection) }

    private func isFull(_ address: IPAddress) -> Bool {
        census.count(of: address) >= limits.connectionsPerAddress && !isForMany(address)
    }

    /// A proxy or a balancer, behind which anybody may be.
    private func isForMany(_ address: IPAddress, _ isAnnounced: Bool = false) -> Bool { isAnnounced || trusted.forwardedFor.contains(address: address) }

    /// Proxies hold connections for many: theirs are not counted.
    private func count(_ address: IPAddress) -> Bool {
        if isForMany(address) { return false }
        census.add(address)
        return true
    }

    /// Closes a connection that waits for its next request (or its first), if one is found soon; false where none is. Each search begins where
    /// the one before it ended.
    @discardableResult private func closeIdle() -> Bool {
        for _ in 0..<min(connections.count, 256) {
            idleCursor += 1
            if idleCursor >= connections.count { idleCursor = 0 }
            if connections[idleCursor].isIdle {
                connections[idleCursor].close()
                return true
            }
        }
        return false
    }

    /// The process has no descriptor left for those who wait. Whether some were freed.
    func freeDescriptors() -> Bool {
        var freed = 0
        while freed < 8, closeIdle() { freed += 1 }
        return freed > 0
    }

    // MARK: who leaves

    func forget(_ connection: ClientConnection) {
        let index = connection.index
        guard index >= 0 else { return }
        connection.index = -1
        metrics?.connectionClosed()
        newcomers.remove(connection)
        if connection.isCounted { census.remove(connection.address) }
        let last = connections.removeLast()
        if last !== connection {
            connections[index] = last
            last.index = index
        }
        if connections.isEmpty { tellDrained() }
    }

    /// Takes no new connections, lets what is under way finish, and calls `done` when the last connection is gone.
    public func drain(_ done: @escaping () -> Void) {
        isDraining = true
        onDrained = done
        for connection in connections { connection.beginDrain() }
        // Those who wait in a queue came before the end: they are taken, and answered.
        for listener in listeners { listener.close() }
        listeners = []
        if connections.isEmpty { tellDrained() }
    }

    /// Cuts off what `drain` did not see finish, so that none of it looks as if it had; what is recorded of requests is recorded.
    public func cutOff() {
        for connection in connections { connection.reset() }
    }

    private func tellDrained() {
        guard let done = onDrained else { return }
        onDrained = nil
        done()
    }
}
