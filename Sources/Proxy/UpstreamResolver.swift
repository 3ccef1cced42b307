import Bytes
import EventLoop

/// Turns an upstream's configured host into an address: literals at once, names through the system's resolver on a thread of its own, looked
/// up again when the answer is older than 30 seconds (the old one serves meanwhile).
final class UpstreamResolver {
    private static let lifetime: UInt64 = 30_000_000_000
    private let address: UpstreamAddress
    private let loop: EventLoop
    private var known: [SocketAddress] = []
    private var resolvedAt: MonotonicTime?
    private var isResolving = false
    private var waiting: [(SocketAddress?) -> Void] = []
    /// Counts the times that the name came to mean other addresses.
    private(set) var generation = 0
    /// Called then.
    var changed: () -> Void = {}

    init(_ address: UpstreamAddress, on loop: EventLoop) {
        self.address = address
        self.loop = loop
        if let literal = SocketAddress(literal: address.host, port: address.port) { known = [literal] }
    }

    private var isLiteral: Bool { resolvedAt == nil && !known.isEmpty }

    /// Calls `then` on the loop, at once where an address is known; with nil where the name has none.
    func resolve(_ then: @escaping (SocketAddress?) -> Void) {
        if isLiteral { return then(known[0]) }
        if !known.isEmpty {
            then(known[0])
        } else {
            waiting.append(then)
        }
        refresh()
    }

    /// Looks the name up again where that is due. To be called wherever the upstream is used: kept connections ask for no address.
    func refresh() {
        if isLiteral { return }
        if let resolvedAt, !known.isEmpty, loop.now.since(resolvedAt) < Self.lifetime { return }
        if known.isEmpty && waiting.isEmpty { return }
        lookUp()
    }

    /// Whether the name means `address`; nil is a socket in the file system, which has none.
    func names(_ address: SocketAddress?) -> Bool { address.map { known.contains($0) } ?? true }

    /// How many addresses are worth trying for one request.
    var choices: Int { min(known.count, 3) }

    /// No connection could be made to `address`: the others come first from now on.
    func avoid(_ address: SocketAddress) {
        if known.count > 1, known[0] == address { known.append(known.removeFirst()) }
    }

    private func lookUp() {
        if isResolving { return }
        isResolving = true
        let bound = LoopBound(self)
        let mailbox = loop.mailbox
        let (host, port) = (address.host, address.port)
        do {
            try NamedThread.start("resolve") {
                let found = SocketAddress.resolve(host, port: port)
                mailbox.post { bound.value.resolved(found) }
            }
        } catch {
            resolved([])
        }
    }

    private func resolved(_ found: [SocketAddress]) {
        isResolving = false
        // A resolver that fails for a moment must not take a working upstream away; the same addresses keep the order that was found to work.
        if !found.isEmpty, Set(found) != Set(known) {
            known = found
            generation &+= 1
            changed()
        }
        if !known.isEmpty { resolvedAt = loop.now }
        let waiters = waiting
        waiting = []
        for then in waiters { then(known.first) }
    }
}
