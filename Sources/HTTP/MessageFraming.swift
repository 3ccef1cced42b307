/// What the fields of one HTTP/1 head say of the end of the message and of the connection (RFC 9112 sections 6 and 9), gathered in one
/// walk. Whatever two readers could understand differently is a fault: that is how requests are smuggled.
struct MessageFraming {
    private(set) var contentLength: UInt64?
    private(set) var contentLengths = 0
    private(set) var isChunked = false
    private(set) var closes = false
    private(set) var keepsAlive = false
    private(set) var upgrades = false

    /// Takes note of one field; those that say nothing of framing are passed over.
    mutating func note(_ entry: Fields.Entry, _ arena: Span<UInt8>) throws(ProtocolFault) {
        switch entry.known {
        case .contentLength: try noteContentLength(arena.extracting(entry.value))
        case .transferEncoding: try noteTransferEncoding(arena.extracting(entry.value))
        case .connection: try noteConnection(arena, entry.value)
        default: break
        }
    }

    /// The faults that show only when all fields are known.
    func check(_ version: HTTPVersion) throws(ProtocolFault) {
        guard isChunked else { return }
        guard contentLength == nil else { throw ProtocolFault("length-and-chunked") }
        guard version == .http11 else { throw ProtocolFault("chunked-in-http10") }
    }

    /// Persistence (RFC 9112 section 9.3).
    func keepAlive(_ version: HTTPVersion) -> Bool { !closes && (version == .http11 || keepsAlive) }

    /// Plain decimal: no sign, no blank, no list, no leading zero, below 2^63.
    static func decimal(_ bytes: Span<UInt8>) -> UInt64? {
        guard 1...19 ~= bytes.count, bytes.count == 1 || bytes[0] != UInt8(ascii: "0") else { return nil }
        var value: UInt64 = 0
        for at in 0..<bytes.count {
            guard isDigit(bytes[at]) else { return nil }
            value = value * 10 + UInt64(bytes[at] & 15)
        }
        return value <= UInt64(Int64.max) ? value : nil
    }

    private mutating func noteContentLength(_ value: Span<UInt8>) throws(ProtocolFault) {
        guard let length = Self.decimal(value) else { throw ProtocolFault("content-length") }
        guard contentLength == nil || contentLength == length else { throw ProtocolFault("two-content-lengths") }
        contentLength = length
        contentLengths += 1
    }

    private mutating func noteTransferEncoding(_ value: Span<UInt8>) throws(ProtocolFault) {
        guard !isChunked, equalsIgnoringCase(value, "chunked") else { throw ProtocolFault("transfer-encoding") }
        isChunked = true
    }

    private mutating func noteConnection(_ arena: Span<UInt8>, _ value: Range<Int>) throws(ProtocolFault) {
        try forEachListElement(arena, value) { (option: Span<UInt8>) throws(ProtocolFault) in
            guard isToken(option) else { throw ProtocolFault("connection-option") }
            switch KnownField(name: option) {
            case .contentLength, .transferEncoding, .host: throw ProtocolFault("framing-nominated")
            case .keepAlive: keepsAlive = true
            case .upgrade: upgrades = true
            default: if equalsIgnoringCase(option, "close") { closes = true }
            }
        }
    }
}

extension Fields {
    /// Of several `Content-Length` of the same value only the first stays, so that what is passed on has one.
    mutating func mergeContentLengths() {
        var seen = false
        entries.removeAll { entry in
            guard entry.known == .contentLength else { return false }
            defer { seen = true }
            return seen
        }
    }
}
