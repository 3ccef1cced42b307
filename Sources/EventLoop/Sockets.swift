import CLinux
import Glibc
public import Bytes

/// What reading from or writing to a non-blocking descriptor brought.
public enum Transfer: Equatable, Sendable {
    /// That many bytes, at least 1.
    case moved(Int)
    case wouldBlock
    /// The peer will send no more.
    case ended
    /// The connection is lost (errno).
    case failed(Int32)
}

/// A connection that a listener took, and who is at its other end.
public struct Accepted: ~Copyable {
    public let address: SocketAddress
    private var socket: Descriptor

    init(socket: consuming Descriptor, address: SocketAddress) {
        self.socket = socket
        self.address = address
    }

    /// Hands the socket to its owner.
    public consuming func takeSocket() -> Descriptor { socket }
}

/// Non-blocking TCP sockets.
public enum Sockets {
    /// Bytes that the kernel holds of what it could not send yet, 128 KiB. With its usual megabytes a slow client takes minutes until it is seen that it takes
    /// anything at all.
    private static let unsentLimit: Int32 = 128 << 10

    /// A listening socket, whose connections inherit its options (tcp(7)). `shared` lets several workers (and, unless a lock forbids it, several processes) take turns on one port.
    public static func listen(on address: SocketAddress, shared: Bool, backlog: Int32 = 4096) throws(SystemError) -> Descriptor {
        let socket = try open(address)
        var one: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        _ = unsafe setsockopt(socket.raw, SOL_SOCKET, SO_REUSEADDR, &one, size)
        if shared { _ = unsafe setsockopt(socket.raw, SOL_SOCKET, SO_REUSEPORT, &one, size) }
        if address.isIPv6 {
            // `[::]:443` means IPv6 alone, so that `0.0.0.0:443` can stand beside it.
            _ = unsafe setsockopt(socket.raw, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &one, size)
        }
        if unsafe address.withSockaddr({ unsafe Glibc.bind(socket.raw, $0, $1) }) < 0 { throw SystemError("bind", errno: menwei_errno()) }
        setNoDelay(socket)
        var unsent = Self.unsentLimit
        _ = unsafe setsockopt(socket.raw, Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, &unsent, size)
        if Glibc.listen(socket.raw, backlog) < 0 { throw SystemError("listen", errno: menwei_errno()) }
        return socket
    }

    /// The next waiting connection; nil where none waits. Throws what `accept` says of the listener itself (EMFILE and the like).
    public static func accept(_ listener: borrowing Descriptor) throws(SystemError) -> Accepted? {
        while true {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let result = unsafe menwei_accept(listener.raw, &storage, &length)
            if result >= 0 {
                let socket = Descriptor(owning: result)
                guard let address = SocketAddress(storage) else { continue }
                return Accepted(socket: socket, address: address)
            }
            switch -result {
            case EAGAIN: return nil
            case ECONNABORTED, EINTR, EPROTO, ENETDOWN, EHOSTDOWN, ENETUNREACH, EHOSTUNREACH: continue
            default: throw SystemError("accept4", errno: -result)
            }
        }
    }

    /// Begins to connect; the descriptor becomes writable when it is done, and `error(of:)` says how it went.
    public static func connect(to address: SocketAddress) throws(SystemError) -> Descriptor {
        let socket = try open(address)
        setNoDelay(socket)
        if unsafe address.withSockaddr({ unsafe Glibc.connect(socket.raw, $0, $1) }) < 0, menwei_errno() != EINPROGRESS {
            throw SystemError("connect", errno: menwei_errno())
        }
        return socket
    }

    /// The same connection under the lowest number that is free, where its own is `limit` or higher and a lower one is to be had.
    public static func renumbered(_ socket: consuming Descriptor, below limit: Int32) -> Descriptor {
        if socket.raw < limit { return socket }
        let copy = Glibc.fcntl(socket.raw, F_DUPFD_CLOEXEC, 0)
        if copy < 0 { return socket }
        let other = Descriptor(owning: copy)
        return copy < socket.raw ? other : socket
    }

    /// The same for a socket in the file system. It connects at once or not at all.
    public static func connect(toUnix path: String) throws(SystemError) -> Descriptor {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
            // The last byte stays 0.
            guard path.utf8.count < room.count else { return false }
            unsafe room.copyBytes(from: path.utf8)
            return true
        }
        guard fits else { throw SystemError("connect", errno: ENAMETOOLONG) }
        let socket = try open(AF_UNIX)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(socket.raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if result < 0 { throw SystemError("connect", errno: menwei_errno()) }
        return socket
    }

    /// The socket's pending error (SO_ERROR), 0 where there is none.
    public static func error(of socket: borrowing Descriptor) -> Int32 {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(socket.raw, SOL_SOCKET, SO_ERROR, &value, &size) < 0 ? EBADF : value
    }

    /// The address a socket is bound to.
    public static func localAddress(of socket: borrowing Descriptor) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(socket.raw, $0, &length) }
        }
        return result < 0 ? nil : SocketAddress(storage)
    }

    /// Reads what there is, at most as much as `queue` has room for after making room for `minimum` bytes.
    public static func read(_ socket: borrowing Descriptor, into queue: inout ByteQueue, minimum: Int) -> Transfer {
        let descriptor = socket.raw
        let result = unsafe queue.fill(minimum: minimum) { unsafe Glibc.recv(descriptor, $0.baseAddress, $0.count, 0) }
        return transfer(result, zeroMeans: .ended)
    }

    /// Writes as much of `bytes` as the kernel takes.
    public static func write(_ socket: borrowing Descriptor, _ bytes: Span<UInt8>) -> Transfer {
        let result = unsafe bytes.withUnsafeBytes { unsafe Glibc.send(socket.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        return transfer(result, zeroMeans: .wouldBlock)
    }

    /// Copies into `queue` what there is to read, and leaves it there to be read.
    public static func peek(_ socket: borrowing Descriptor, into queue: inout ByteQueue, minimum: Int) -> Transfer {
        let descriptor = socket.raw
        let result = unsafe queue.fill(minimum: minimum) { unsafe Glibc.recv(descriptor, $0.baseAddress, $0.count, Int32(MSG_PEEK)) }
        return transfer(result, zeroMeans: .ended)
    }

    /// Forgets the next `count` bytes, of which `peek` told that they are there.
    public static func discard(_ socket: borrowing Descriptor, _ count: Int) {
        // MSG_TRUNC: TCP throws them away itself (tcp(7)).
        if count > 0 { _ = Glibc.recv(socket.raw, nil, count, Int32(MSG_TRUNC)) }
    }

    /// Whether nothing waits to be read, neither bytes nor the end.
    public static func isQuiet(_ socket: borrowing Descriptor) -> Bool {
        var byte: UInt8 = 0
        return unsafe Glibc.recv(socket.raw, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) < 0 && menwei_errno() == EAGAIN
    }

    /// Tells the peer that no more will come.
    public static func shutdownWrite(_ socket: borrowing Descriptor) {
        _ = Glibc.shutdown(socket.raw, Int32(SHUT_WR))
    }

    /// Resets the connection when it is closed, instead of ending it in order.
    public static func resetOnClose(_ socket: borrowing Descriptor) {
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(socket.raw, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    }

    private static func transfer(_ result: Int, zeroMeans zero: Transfer) -> Transfer {
        if result > 0 { return .moved(result) }
        if result == 0 { return zero }
        switch menwei_errno() {
        case EAGAIN, EINTR: return .wouldBlock
        case let error: return .failed(error)
        }
    }

    private static func open(_ address: SocketAddress) throws(SystemError) -> Descriptor { try open(address.isIPv6 ? AF_INET6 : AF_INET) }

    private static func open(_ family: Int32) throws(SystemError) -> Descriptor {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let raw = Glibc.socket(family, kind, 0)
        if raw < 0 { throw SystemError("socket", errno: menwei_errno()) }
        return Descriptor(owning: raw)
    }

    private static func setNoDelay(_ socket: borrowing Descriptor) {
        var one: Int32 = 1
        _ = unsafe setsockopt(socket.raw, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }
}
