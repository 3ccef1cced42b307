import Bytes
import EventLoop
import HTTP
import TLS

/// One attempt to connect to an upstream: TCP, then TLS where the scheme asks for it, then the upstream's SETTINGS where HTTP/2 is spoken. It ends in one call of
/// its pool, within the limit for connecting.
final class UpstreamDial: PollHandler {
    let pool: UpstreamPool
    /// Nil: a socket in the file system.
    let address: SocketAddress?
    /// Whom the connection is for; nil: whoever waits in the pool.
    let relay: Relay?
    /// What that one asked for; it may have gone elsewhere since.
    private let ticket: Int
    private enum State { case connecting, handshaking, greeting, over }
    private var state = State.connecting
    private var transport: Transport?
    private let socket: Int32
    private let tls: TLSStream?
    private var greeting: HTTP2UpstreamConnection?
    private var limit: LoopTimer?

    init(_ transport: consuming Transport, to address: SocketAddress?, of pool: UpstreamPool, for relay: Relay?) {
        self.pool = pool
        self.address = address
        self.relay = relay
        ticket = relay?.ticket ?? 0
        socket = transport.socket.raw
        tls = transport.tls
        self.transport = consume transport
    }

    /// Whether the one it is for still waits for it.
    var isAwaited: Bool { relay?.awaits(ticket) ?? false }

    /// `nanoseconds`: how long it may take.
    func start(limit nanoseconds: UInt64) throws(SystemError) {
        try pool.loop.watch(socket, for: .writable, self)
        // Strong: nobody else keeps an attempt. `leave` breaks the cycle.
        let limit = LoopTimer { [self] in failed("no connection in time") }
        self.limit = limit
        pool.loop.schedule(limit, after: nanoseconds)
    }

    override func ready(_ readiness: Readiness) {
        if state == .connecting {
            let error = connectError
            guard error == 0 else { return failed(SystemError("connect", errno: error).description) }
            state = .handshaking
        }
        if state == .handshaking { handshake() }
    }

    private var connectError: Int32 {
        guard let transport = transport.take() else { return -1 }
        let error = Sockets.error(of: transport.socket)
        self.transport = consume transport
        return error
    }

    private func handshake() {
        guard let tls else { return established(isHTTP2: pool.scheme == .h2c) }
        switch tls.handshake() {
        case .done: established(isHTTP2: tls.negotiatedProtocol == "h2")
        case .wantsRead: pool.loop.setInterest(.readable, of: self)
        case .wantsWrite: pool.loop.setInterest(.writable, of: self)
        case .failed:
            failed("TLS: " + tls.failure)
        }
    }

    private func established(isHTTP2: Bool) {
        pool.loop.forget(self)
        guard let transport = transport.take() else { return }
        if isHTTP2 {
            state = .greeting
            let connection = HTTP2UpstreamConnection(transport, for: self)
            greeting = connection
            do { try connection.start() } catch { connection.lost() }
        } else {
            leave()
            pool.established(UpstreamConnection(transport, to: address, of: pool), by: self)
        }
    }

    /// The upstream's SETTINGS came.
    func greeted(by connection: HTTP2UpstreamConnection) {
        if state == .over { return }
        leave()
        pool.established(connection, by: self)
    }

    /// - Parameter why: for the administrator.
    func failed(_ why: String) {
        if state == .over { return }
        let greeting = self.greeting
        pool.loop.forget(self)
        leave()
        transport = nil
        greeting?.lost()
        pool.report(why)
        pool.failed(self)
    }

    private func leave() {
        state = .over
        greeting = nil
        if let limit { pool.loop.cancel(limit) }
        limit = nil
    }
}
