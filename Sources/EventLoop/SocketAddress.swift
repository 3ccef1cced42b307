public import Bytes
import Glibc

/// An internet socket address, IPv4 or IPv6.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// 4 or 16 bytes, network order.
    public let bytes: [UInt8]
    public let port: UInt16

    public init(bytes: [UInt8], port: UInt16) {
        self.bytes = bytes
        self.port = port
    }

    /// An IP literal without brackets, such as `127.0.0.1` or `::1`; nil for anything else, names included.
    public init?(literal: String, port: UInt16) {
        var four = in_addr()
        var six = in6_addr()
        if unsafe inet_pton(AF_INET, literal, &four) == 1 {
            self.init(bytes: unsafe withUnsafeBytes(of: &four) { unsafe Array($0) }, port: port)
        } else if unsafe inet_pton(AF_INET6, literal, &six) == 1 {
            self.init(bytes: unsafe withUnsafeBytes(of: &six) { unsafe Array($0) }, port: port)
        } else {
            return nil
        }
    }

    init?(_ storage: sockaddr_storage) {
        var storage = storage
        switch Int32(storage.ss_family) {
        case AF_INET:
            let four = unsafe withUnsafeBytes(of: &storage) { unsafe $0.loadUnaligned(as: sockaddr_in.self) }
            var address = four.sin_addr
            self.init(bytes: unsafe withUnsafeBytes(of: &address) { unsafe Array($0) }, port: UInt16(bigEndian: four.sin_port))
        case AF_INET6:
            let six = unsafe withUnsafeBytes(of: &storage) { unsafe $0.loadUnaligned(as: sockaddr_in6.self) }
            var address = six.sin6_addr
            let all = unsafe withUnsafeBytes(of: &address) { unsafe Array($0) }
            // A v4 client on a v6 listener is the same client.
            let mapped = all.prefix(10).allSatisfy { $0 == 0 } && all[10] == 0xFF && all[11] == 0xFF
            self.init(bytes: mapped ? Array(all[12...]) : all, port: UInt16(bigEndian: six.sin6_port))
        default:
            return nil
        }
    }

    /// The address without its port; every one that a socket has is one.
    public var ip: IPAddress? { IPAddress(bytes: bytes.span) }

    public var isIPv6: Bool { bytes.count == 16 }

    /// The literal without a port: `127.0.0.1`, `::1`.
    public var host: String {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
            _ = unsafe bytes.withUnsafeBytes { unsafe inet_ntop(isIPv6 ? AF_INET6 : AF_INET, $0.baseAddress!, text.baseAddress!, 64) }
            return unsafe String(cString: text.baseAddress!)
        }
    }

    /// `127.0.0.1:80`, `[::1]:80`
    public var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Calls `body` with the address as the kernel wants it.
    func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var storage = sockaddr_storage()
        return unsafe withUnsafeMutableBytes(of: &storage) { raw in
            let length: Int
            if isIPv6 {
                var six = sockaddr_in6()
                six.sin6_family = sa_family_t(AF_INET6)
                six.sin6_port = port.bigEndian
                unsafe withUnsafeMutableBytes(of: &six.sin6_addr) { unsafe $0.copyBytes(from: bytes) }
                unsafe raw.storeBytes(of: six, as: sockaddr_in6.self)
                length = MemoryLayout<sockaddr_in6>.size
            } else {
                var four = sockaddr_in()
                four.sin_family = sa_family_t(AF_INET)
                four.sin_port = port.bigEndian
                unsafe withUnsafeMutableBytes(of: &four.sin_addr) { unsafe $0.copyBytes(from: bytes) }
                unsafe raw.storeBytes(of: four, as: sockaddr_in.self)
                length = MemoryLayout<sockaddr_in>.size
            }
            return unsafe raw.withMemoryRebound(to: sockaddr.self) { unsafe body(UnsafePointer($0.baseAddress!), socklen_t(length)) }
        }
    }
}

extension SocketAddress {
    /// What the system's resolver found for a name, with a port of our own.
    public static func resolve(_ host: String, port: UInt16) -> [SocketAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { unsafe freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = unsafe list
        while let each = unsafe next, found.count < 16 {
            var storage = sockaddr_storage()
            unsafe withUnsafeMutableBytes(of: &storage) { into in
                if let from = unsafe each.pointee.ai_addr {
                    unsafe into.copyMemory(from: UnsafeRawBufferPointer(start: from, count: Int(each.pointee.ai_addrlen)))
                }
            }
            if let address = SocketAddress(storage) { found.append(SocketAddress(bytes: address.bytes, port: port)) }
            unsafe next = each.pointee.ai_next
        }
        return found
    }
}
