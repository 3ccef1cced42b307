import Bytes
import EventLoop
import HTTP

/// One worker's kept connections to one upstream (RFC 9112 section 9.3). The one used last is used first: the others may grow old and be closed.
final class UpstreamPool {
    /// Kept connections that wait for work.
    static let maxIdle = 1024
    /// How long one may wait.
    static let idleLimit: UInt64 = 50_000_000_000

    let loop: EventLoop
    let resolver: UpstreamResolver
    let connectLimit: UInt64
    private var idle: [UpstreamConnection] = []
    /// Nothing is kept any more.
    private var isClosed = false

    /// Hears of each connection that was made, or could not be.
    private let tried: (Bool) -> Void

    init(_ address: UpstreamAddress, on loop: EventLoop, connectLimit: UInt64, tried: @escaping (Bool) -> Void) {
        self.tried = tried
        self.loop = loop
        self.connectLimit = connectLimit
        resolver = UpstreamResolver(address, on: loop)
    }

    /// A kept connection, else a new one that is still connecting.
    func take(for relay: Relay, fresh: Bool = false) {
        while !fresh, let kept = idle.popLast() {
            kept.indexInPool = -1
            // What cannot be asked twice does not go to an upstream that has closed already; a look costs less than the error.
            if relay.mayRepeat || kept.isQuiet { return relay.attach(kept) }
            kept.close()
        }
        resolver.resolve { [weak self, weak relay, ticket = relay.ticket] address in
            guard let self, let relay, relay.awaits(ticket) else { return }
            relay.connecting()
            guard let address else {
                connected(false)
                return relay.upstreamFailed(.unreachable)
            }
            let connection: UpstreamConnection
            do throws(SystemError) {
                connection = UpstreamConnection(try Sockets.connect(to: address), to: address, of: self)
                try connection.start()
            } catch {
                return error.isExhaustion ? relay.gatewayIsExhausted() : failed(address, relay)
            }
            relay.attach(connection)
        }
    }

    private func failed(_ address: SocketAddress, _ relay: Relay) {
        connected(false)
        resolver.avoid(address)
        relay.upstreamFailed(.unreachable)
    }

    /// A new connection was made, or could not be.
    func connected(_ connected: Bool) { tried(connected) }

    /// Takes back a connection whose exchange is through.
    func giveBack(_ connection: UpstreamConnection) {
        if isClosed || idle.count >= Self.maxIdle { return connection.close() }
        connection.indexInPool = idle.count
        idle.append(connection)
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
    }

    /// A connection was closed; one that waited here is forgotten.
    func remove(_ connection: UpstreamConnection) {
        let index = connection.indexInPool
        guard index >= 0 else { return }
        connection.indexInPool = -1
        idle.remove(at: index)
        for at in index..<idle.count { idle[at].indexInPool = at }
    }
}
