public import EventLoop

/// A listening socket on a worker's loop. It outlives the configuration that named it, as long as the next one names it too, so that nobody who waits
/// in its queue is lost.
public final class ServerListener: PollHandler {
    /// As it is configured, to be found again.
    public let name: String
    private let socket: Descriptor
    private unowned let loop: EventLoop
    private var pause: LoopTimer?
    /// Whoever takes the connections; nil: they wait.
    unowned var server: Server? {
        didSet { loop.setInterest(server == nil ? [] : .readable, of: self) }
    }

    /// Watches a socket that is bound already, and takes nobody before a server listens on it.
    public init(_ socket: consuming Descriptor, name: String = "", on loop: EventLoop) throws(SystemError) {
        self.name = name
        self.socket = socket
        self.loop = loop
        super.init()
        try loop.watch(self.socket.raw, for: [], self)
    }

    /// Takes those who wait already, and then lets go of the socket: who comes later is refused by the kernel. One that no server took lets go at once.
    public func close() {
        for _ in 0..<Self.backlog where !take() { break }
        loop.forget(self)
        if let pause { loop.cancel(pause) }
    }

    /// More do not wait (`Sockets.listen`).
    private static let backlog = 4096

    public override func ready(_ readiness: Readiness) {
        // A few at a time, so that a flood of newcomers does not starve those who are in.
        for _ in 0..<16 where !take() { return }
    }

    /// Takes the next who waits; false where nobody does, or nobody can be taken.
    private func take() -> Bool {
        guard let server else { return false }
        do {
            guard let accepted = try Sockets.accept(socket) else { return false }
            if let address = accepted.address.ip { server.accepted(accepted.takeSocket(), from: address) }
            return true
        } catch {
            // Out of descriptors or memory: the backlog holds them; look again soon instead of spinning.
            if !server.freeDescriptors() { rest() }
            return false
        }
    }

    private func rest() {
        loop.setInterest([], of: self)
        let timer = pause ?? LoopTimer { [weak self] in self?.resume() }
        pause = timer
        loop.schedule(timer, after: 100_000_000)
    }

    private func resume() { if server != nil { loop.setInterest(.readable, of: self) } }
}
