import EventLoop
import Glibc
import Settings

/// Why a listener could not be had.
struct ListenFault: Error {
    var address: ListenAddress
    var why: String
    var message: String { "\(address.text): \(why)" }

    /// It, where the configuration names the address; at the top of the file where that is a default.
    func place(in configuration: Configuration) -> Fault {
        var fault = configuration.listen.places[address] ?? Fault(file: configuration.file, line: 1, column: 1, message: "")
        fault.message = message
        return fault
    }
}

/// Sockets of one address that listen, one for each worker, and the lock that keeps other gateways off it.
final class BoundAddress: Sendable {
    let address: ListenAddress
    /// Whoever gets one owns it.
    let sockets: [Int32]
    private let lock: PortLock

    /// A port that another process already listens on is a fault even if that one would share it too: two gateways that take turns on a port
    /// unknowingly are worse than one that does not start.
    /// - Parameter own: where this process listens already.
    init(_ address: ListenAddress, count: Int, own: some Collection<ListenAddress> = []) throws(ListenFault) {
        self.address = address
        guard let target = SocketAddress(literal: address.host, port: address.port) else { throw ListenFault(address: address, why: "not an address") }
        var sockets: [Int32] = []
        do throws(SystemError) {
            // Without sharing, the kernel says whether anybody is there; the lock says so to a gateway that starts in the same moment.
            lock = try PortLock(address.text)
            if !own.contains(where: { Self.overlap($0, address) }) { _ = try Sockets.listen(on: target, shared: false) }
            for _ in 0..<count { sockets.append(try Sockets.listen(on: target, shared: true).release()) }
        } catch {
            for socket in sockets { close(socket) }
            let isLocked = error.call.description == "port lock"
            throw ListenFault(address: address, why: isLocked ? "another gateway listens there, or is about to" : error.description)
        }
        self.sockets = sockets
    }

    /// Whether one is the other's port on every address: then it is ourselves whom the kernel would find there.
    private static func overlap(_ a: ListenAddress, _ b: ListenAddress) -> Bool {
        a.port == b.port && a.isIPv6 == b.isIPv6 && [a.host, b.host].contains(a.isIPv6 ? "::" : "0.0.0.0")
    }

    /// Closes sockets that nobody took.
    func discard() { for socket in sockets { close(socket) } }
}
