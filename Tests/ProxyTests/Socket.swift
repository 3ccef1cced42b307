import Bytes
import EventLoop
import Glibc

/// A blocking socket of a test, which gives up after twenty seconds.
final class Socket {
    let descriptor: Int32
    private(set) var unread: [UInt8] = []
    private(set) var ended = false

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
    }

    deinit { close(descriptor) }

    static func connect(to port: UInt16, from host: UInt32 = 1) -> Socket {
        let socket = Socket(Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        var own = Self.loopback(0)
        own.sin_addr.s_addr = (UInt32(0x7F00_0000) | host).bigEndian
        _ = withUnsafePointer(to: &own) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        var address = Self.loopback(port)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(socket.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        precondition(result == 0, "connect")
        return socket
    }

    static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    /// False where the peer does not take it.
    @discardableResult func send(_ bytes: [UInt8]) -> Bool {
        var at = 0
        while at < bytes.count {
            let sent = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress! + at, bytes.count - at, Int32(MSG_NOSIGNAL)) }
            if sent <= 0 { return false }
            at += sent
        }
        return true
    }

    @discardableResult func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// Reads once; false at the end, after an error or twenty seconds.
    @discardableResult func fill() -> Bool {
        if ended { return false }
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        if count <= 0 {
            ended = true
            return false
        }
        unread += bytes.prefix(count)
        return true
    }

    /// Everything up to the end of the connection.
    func readToEnd() -> String {
        while fill() {}
        defer { unread = [] }
        return String(decoding: unread, as: UTF8.self)
    }

    /// Takes `count` bytes; fewer where the connection ends.
    func take(_ count: Int) -> [UInt8] {
        while unread.count < count, fill() {}
        defer { unread.removeFirst(min(count, unread.count)) }
        return Array(unread.prefix(count))
    }

    /// Takes everything up to and with `mark`; what there is where the connection ends before.
    func take(through mark: String) -> String {
        let mark = Array(mark.utf8)
        while true {
            if unread.count >= mark.count, let at = (0...(unread.count - mark.count)).first(where: { Array(unread[$0..<$0 + mark.count]) == mark }) {
                return String(decoding: take(at + mark.count), as: UTF8.self)
            }
            if !fill() { return String(decoding: take(unread.count), as: UTF8.self) }
        }
    }

    func shutdownWrite() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Ends the connection with a reset.
    func reset() {
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        shutdown(descriptor, Int32(SHUT_RD))
    }
}

/// What came over HTTP/1: the head as text, the body as its framing says.
struct Message {
    var head: String
    var body: [UInt8]
    var status: Int { Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0 }
    var text: String { String(decoding: body, as: UTF8.self) }

    func field(_ name: String) -> String? {
        for line in head.split(separator: "\r\n").dropFirst() where line.lowercased().hasPrefix(name.lowercased() + ":") {
            return String(line.dropFirst(name.count + 1).drop { $0 == " " })
        }
        return nil
    }
}

extension Socket {
    /// Reads one message; `bodiless` for answers to HEAD.
    func message(bodiless: Bool = false) -> Message {
        var message = Message(head: take(through: "\r\n\r\n"), body: [])
        if bodiless || message.status == 204 || message.status == 304 || (100..<200).contains(message.status) { return message }
        if message.field("Transfer-Encoding") == "chunked" {
            while true {
                let line = take(through: "\r\n").split(separator: "\r\n").first ?? ""
                guard let size = Int(line.split(separator: ";").first ?? "", radix: 16), size > 0 else { break }
                message.body += take(size)
                _ = take(2)
            }
            var trailers = ""
            while true {
                let line = take(through: "\r\n")
                if line == "\r\n" || line.isEmpty { break }
                trailers += line
            }
            message.head += trailers
        } else if let length = message.field("Content-Length").flatMap({ Int($0) }) {
            message.body = take(length)
        }
        return message
    }
}

/// A listener on a free port of loopback.
final class Listener {
    let descriptor: Int32
    let port: UInt16

    /// `at`: that port, where it is free; 0: any.
    init(at wanted: UInt16 = 0, backlog: Int32 = 64) {
        descriptor = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        var address = Socket.loopback(wanted)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = self.descriptor
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        port = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, size)
                listen(descriptor, backlog)
                getsockname(descriptor, pointer, &size)
            }
            return UInt16(bigEndian: $0.pointee.sin_port)
        }
    }

    deinit { Glibc.close(descriptor) }

    /// The next connection; nil where none comes within twenty seconds.
    func accept() -> Socket? {
        let accepted = Glibc.accept(descriptor, nil, nil)
        return accepted < 0 ? nil : Socket(accepted)
    }
}
