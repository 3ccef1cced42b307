import CLinux
import Glibc

/// Where a listener waits: an IP address and a port.
public struct ListenAddress: Hashable, Sendable {
    /// An IPv4 address, or an IPv6 address without brackets.
    public var host: String
    /// 1–65535.
    public var port: UInt16
    public var isIPv6: Bool { host.utf8.contains(UInt8(ascii: ":")) }

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// `0.0.0.0:8443`, `[::]:443`
    public var text: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// What is wrong with an address, as a sentence for the person who wrote it.
    public struct Problem: Error, Equatable, Sendable {
        public var message: String
    }

    public static func parse(_ text: String) -> Result<ListenAddress, Problem> {
        func problem(_ why: String) -> Result<ListenAddress, Problem> {
            .failure(Problem(message: "expected an address such as 0.0.0.0:8443 or [::]:443, this is \(quoted(text))" + why))
        }
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else {
            return problem(PortText.parse(text[...]) == nil ? ": the port is missing" : ": for every address write 0.0.0.0:\(text)")
        }
        guard let port = PortText.parse(text[text.utf8.index(after: colon)...]) else { return problem(": the port must be a number from 1 to 65535") }
        let host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            let inner = String(host.dropFirst().dropLast())
            return IPText.isIPv6(inner) ? .success(ListenAddress(host: inner.lowercased(), port: port)) : problem("")
        }
        if host.isEmpty || host == "*" { return problem(": for every address write 0.0.0.0:\(port)") }
        if host.utf8.contains(UInt8(ascii: ":")) { return problem(": an IPv6 address stands in brackets") }
        return IPText.isIPv4(String(host)) ? .success(ListenAddress(host: String(host), port: port)) : problem(": names are not looked up")
    }
}

/// A port as text.
enum PortText {
    /// 1–65535, without sign or leading zeros.
    static func parse(_ text: Substring) -> UInt16? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy(ASCII.isDigit), text.utf8.first != 0x30 else { return nil }
        return UInt16(text)
    }
}

/// IP addresses as text, in their usual forms only (`inet_pton`).
enum IPText {
    static func isIPv4(_ text: String) -> Bool {
        var buffer = in_addr()
        return unsafe inet_pton(AF_INET, text, &buffer) == 1
    }

    static func isIPv6(_ text: String) -> Bool {
        var buffer = in6_addr()
        return unsafe inet_pton(AF_INET6, text, &buffer) == 1
    }
}
