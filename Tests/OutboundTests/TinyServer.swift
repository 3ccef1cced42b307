import EventLoop
import Glibc
import Synchronization

/// An HTTP server on a free port of 127.0.0.1 that answers every request in one way. It lives until it is let go.
final class TinyServer: Sendable {
    enum Behaviour: Sendable {
        /// These bytes for each request; the connection stays.
        case bytes([UInt8])
        /// The request itself, head and body, as the body of a 200.
        case echo
        /// This head, then zeros until the client goes away.
        case endless(head: String)
        /// Nothing, ever.
        case silence
        /// These bytes at once, before any request, then nothing.
        case greeting([UInt8])
        /// Closes the connection once the request is there.
        case hangUp
    }

    let port: UInt16
    private let listener: Int32
    private let accepted = Mutex(0)
    private let open = Mutex<Set<Int32>>([])

    /// How many connections were made.
    var connections: Int { accepted.withLock { $0 } }

    init(_ behaviour: Behaviour) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 64) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        if !bound { throw SystemError("bind", errno: errno) }
        try NamedThread.start("tiny-accept") { [weak self] in
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0, let server = self else {
                    if connection >= 0 { close(connection) }
                    close(descriptor)
                    return
                }
                server.accepted.withLock { $0 += 1 }
                _ = server.open.withLock { $0.insert(connection) }
                try? NamedThread.start("tiny-serve") { [weak server] in
                    TinyServer.serve(connection, behaviour)
                    if server?.open.withLock({ $0.remove(connection) }) != nil || server == nil { close(connection) }
                }
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        for connection in open.withLock({ $0 }) { shutdown(connection, Int32(SHUT_RDWR)) }
    }

    func url(_ path: String = "/", scheme: String = "http") -> String { "\(scheme)://127.0.0.1:\(port)\(path)" }

    private static func serve(_ connection: Int32, _ behaviour: Behaviour) {
        if case .greeting(let bytes) = behaviour { _ = send(connection, bytes) }
        while let request = readRequest(connection) {
            switch behaviour {
            case .bytes(let bytes): guard send(connection, bytes) else { return }
            case .echo: guard send(connection, Array("HTTP/1.1 200 OK\r\nContent-Length: \(request.count)\r\n\r\n".utf8) + request) else { return }
            case .endless(let head):
                guard send(connection, Array(head.utf8)) else { return }
                while send(connection, [UInt8](repeating: 0x30, count: 65536)) {}
                return
            case .silence, .greeting: continue
            case .hangUp: return
            }
        }
    }

    /// The head, and a body as long as `Content-Length` says; nil at the end of the connection.
    private static func readRequest(_ connection: Int32) -> [UInt8]? {
        var bytes: [UInt8] = []
        var needed: Int?
        while true {
            if needed == nil, let end = String(decoding: bytes, as: UTF8.self).range(of: "\r\n\r\n") {
                let head = String(decoding: bytes, as: UTF8.self)[..<end]
                let length = head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
                needed = head.utf8.count + 4 + (length.flatMap { Int($0.dropFirst(15).drop { $0 == " " }) } ?? 0)
            }
            if let needed, bytes.count >= needed { return bytes }
            var part = [UInt8](repeating: 0, count: 4096)
            let count = recv(connection, &part, part.count, 0)
            guard count > 0 else { return nil }
            bytes += part[..<count]
        }
    }

    private static func send(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }
}

extension String {
    /// Where `part` begins.
    fileprivate func range(of part: String) -> String.Index? {
        let part = Array(part.utf8)
        return utf8.indices.first { utf8[$0...].starts(with: part) }
    }
}
