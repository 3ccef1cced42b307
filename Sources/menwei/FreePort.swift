import EventLoop
import Glibc

/// A free port of loopback, held until it is used.
final class FreePort {
    let number: UInt16
    private var descriptor: Int32?

    init() throws {
        let socket = try Sockets.listen(on: SocketAddress(bytes: [127, 0, 0, 1], port: 0), shared: false)
        number = Sockets.localAddress(of: socket)?.port ?? 0
        descriptor = socket.release()
    }

    /// The listening socket, for whoever serves there.
    func take() -> Int32 {
        defer { descriptor = nil }
        return descriptor ?? -1
    }

    func close() {
        if let descriptor { Glibc.close(descriptor) }
        descriptor = nil
    }
}
