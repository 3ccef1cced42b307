import Bytes
public import EventLoop
import Glibc
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
    private var onDrained: (() -> Void)?
    private let metrics: WorkerMetrics?
    public private(set) var isDraining = false
    private var requestIDs: RequestIDGenerator
    /// `Date` in its wire form, renewed each second.
    let dateCache = DateCache()

    /// The limits in the unit of the loop.
    struct Nanoseconds {
        let handshake, head, keepAlive, stall, linger, ownAnswer: UInt64
        init(_ limits: ServerLimits) {
            handshake = limits.handshake.nanoseconds
            head = limits.head.nanoseconds
            keepAlive = limits.keepAlive.nanoseconds
            stall = limits.stall.nanoseconds
            linger = limits.linger.nanoseconds
            ownAnswer = limits.ownAnswer.nanoseconds
        }
    }

    public init(on loop: EventLoop, limits: ServerLimits, tls: TLSContext?, handler: any ExchangeHandler, metrics: WorkerMetrics? = nil) {
        self.loop = loop
        self.limits = limits
        self.tls = tls
        self.handler = handler
        self.metrics = metrics
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

    /// Ends what is under way and for which `stands` does not hold, as if its session had ended.
    public func review(_ stands: (Exchange) -> Bool) {
        for connection in connections {
            for exchange in connection.running where !stands(exchange) { exchange.sessionEnded() }
        }
    }

    func accepted(_ socket: consuming Descriptor, from address: SocketAddress) {
        if connections.count >= limits.connections { return }
        // A connection for which there is no memory or descriptor is dropped: the client sees it closed.
        guard let connection = try? ClientConnection(socket, from: address, to: self, tls: tls) else { return }
        connection.index = connections.count
        connections.append(connection)
        metrics?.connectionOpened()
        do { try connection.start() } catch { connection.close() }
    }

    func forget(_ connection: ClientConnection) {
        let index = connection.index
        guard index >= 0 else { return }
        connection.index = -1
        metrics?.connectionClosed()
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

    /// Cuts off what `drain` did not see finish.
    public func cutOff() {
        for connection in connections { connection.close() }
    }

    private func tellDrained() {
        guard let done = onDrained else { return }
        onDrained = nil
        done()
    }
}
