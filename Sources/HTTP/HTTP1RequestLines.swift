public import Bytes

/// A request's head as `HTTP/1.1` text of the gateway's own making, taken apart again for HTTP/2. The head is written in one place for both versions, so
/// that what is stripped and added cannot differ between them.
public struct HTTP1RequestLines {
    struct Field {
        var name: Range<Int>
        var value: Range<Int>
        var isSecret: Bool
    }

    /// Holds the text; ranges point into it.
    public var text: [UInt8] = []
    private(set) var method = 0..<0
    private(set) var target = 0..<0
    private(set) var authority = 0..<0
    /// Without those that belong to one connection of HTTP/1 (RFC 9113 section 8.2.2).
    private(set) var fields: [Field] = []
    /// Goes as extended CONNECT (RFC 8441).
    private(set) var isWebSocket = false

    public init() {}

    /// Reads `written`: a request line, fields, an empty line, as `RequestWriter` and `FieldWriter` write them.
    public mutating func read(_ written: borrowing ByteQueue, isWebSocket: Bool) {
        text.removeAll(keepingCapacity: true)
        fields.removeAll(keepingCapacity: true)
        self.isWebSocket = isWebSocket
        authority = 0..<0
        let bytes = written.bytes
        unsafe bytes.withUnsafeBytes { unsafe text.append(contentsOf: $0) }
        var at = 0
        while at < bytes.count, let end = Self.lineEnd(bytes, from: at), end > at {
            if at == 0 { readRequestLine(bytes, end) } else { readField(bytes, at..<end) }
            at = end + 2
        }
    }

    private static func lineEnd(_ bytes: Span<UInt8>, from start: Int) -> Int? {
        var at = start
        while at < bytes.count, bytes[at] != 0x0D { at &+= 1 }
        return at < bytes.count ? at : nil
    }

    private mutating func readRequestLine(_ bytes: Span<UInt8>, _ end: Int) {
        var space = 0
        while space < end, bytes[space] != 0x20 { space += 1 }
        var last = end
        while last > space + 1, bytes[last - 1] != 0x20 { last -= 1 }
        method = 0..<space
        target = (space + 1)..<max(space + 1, last - 1)
    }

    private mutating func readField(_ bytes: Span<UInt8>, _ line: Range<Int>) {
        var colon = line.lowerBound
        while colon < line.upperBound, bytes[colon] != 0x3A { colon += 1 }
        let name = line.lowerBound..<colon
        let value = min(colon + 2, line.upperBound)..<line.upperBound
        let known = KnownField(name: bytes.extracting(name))
        switch known {
        case .host: authority = value
        case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade, .http2Settings: break
        default:
            // RFC 8441 section 5: the stream itself proves what the key proves in HTTP/1.
            if isWebSocket, equalsIgnoringCase(bytes.extracting(name), "sec-websocket-key") { return }
            let isSecret = known == .cookie || known == .authorization || equalsIgnoringCase(bytes.extracting(name), "x-menwei-assertion")
            fields.append(Field(name: name, value: value, isSecret: isSecret))
        }
    }
}
