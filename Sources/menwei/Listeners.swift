import EventLoop
import Glibc
import Settings

/// Why a listener could not be had.
struct ListenFault: Error {
    var message: String
}

/// Sockets bound before any worker runs, so that a taken port is a fault of the start and not of some worker.
enum Listeners {
    /// `count` sockets that share one port. A port that another process already listens on is a fault even if that one would share it too:
    /// two gateways that take turns on a port unknowingly are worse than one that does not start.
    static func bind(_ address: ListenAddress, count: Int) throws(ListenFault) -> [Int32] {
        guard let target = SocketAddress(literal: address.host, port: address.port) else { throw ListenFault(message: "\(address.text): not an address") }
        do throws(SystemError) {
            // Without sharing, the kernel says whether anybody is there; the lock says so to a gateway that starts in the same moment.
            try PortLock.hold(address.text)
            _ = try Sockets.listen(on: target, shared: false)
            var sockets: [Int32] = []
            for _ in 0..<count { sockets.append(try Sockets.listen(on: target, shared: true).release()) }
            return sockets
        } catch {
            throw ListenFault(message: "\(address.text): \(error.call.description == "port lock" ? "another gateway listens there, or is about to" : error.description)")
        }
    }
}
