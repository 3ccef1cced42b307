import Bytes

/// Why what a balancer sent is no PROXY header.
enum ProxyHeaderFault: Error, Equatable {
    /// The bytes begin in another way.
    case absent
    /// More than a header may have.
    case tooLong
    /// A command, protocol or family that a stream to us cannot have.
    case unsupported
    case malformed
    /// The checksum is not that of the bytes.
    case corrupt
}

/// The PROXY protocol's header, version 1 or 2, by which a balancer says whose connection it passes on (HAProxy's proxy-protocol.txt). It is read
/// strictly: what is not exactly a header is none.
enum ProxyHeader: Equatable {
    /// All bytes so far belong to the header, and it is not complete.
    case needsMore
    /// It has that many bytes and speaks for that client.
    case client(IPAddress, length: Int)
    /// It has that many bytes and names nobody: the connection is the balancer's own (a health check), or from where there are no addresses.
    case local(length: Int)

    /// The longest line of version 1, with its end.
    static let version1Limit = 107
    /// The longest header of version 2 that is read; addresses take 52 bytes of it, the rest is for what we do not need.
    static let version2Limit = 4096

    private static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
    private static let word = Array("PROXY ".utf8)

    /// Looks at the first bytes of a connection, of which any number may be there already.
    static func parse(_ bytes: Span<UInt8>) throws(ProxyHeaderFault) -> ProxyHeader {
        if bytes.isEmpty { return .needsMore }
        if bytes[0] == signature[0] {
            guard begins(bytes, with: signature) else { throw .absent }
            return try version2(bytes)
        }
        guard begins(bytes, with: word) else { throw .absent }
        return try version1(bytes)
    }

    private static func begins(_ bytes: Span<UInt8>, with mark: [UInt8]) -> Bool {
        for at in 0..<min(bytes.count, mark.count) where bytes[at] != mark[at] { return false }
        return true
    }

    // MARK: version 1

    /// `PROXY TCP4 192.0.2.1 192.0.2.2 51234 443`, ended by CR LF.
    private static func version1(_ bytes: Span<UInt8>) throws(ProxyHeaderFault) -> ProxyHeader {
        var end = word.count
        while end < bytes.count, bytes[end] != 0x0D, end < version1Limit { end += 1 }
        if end >= version1Limit - 1 { throw .tooLong }
        if end + 1 >= bytes.count { return .needsMore }
        guard bytes[end + 1] == 0x0A else { throw .malformed }
        let length = end + 2
        var line = Words(word.count, end)
        let family = line.next(bytes)
        if equals(bytes, family, "UNKNOWN") { return .local(length: length) }
        let isIPv6 = equals(bytes, family, "TCP6")
        guard isIPv6 || equals(bytes, family, "TCP4") else { throw .unsupported }
        guard let source = address(bytes, line.next(bytes), isIPv6: isIPv6), address(bytes, line.next(bytes), isIPv6: isIPv6) != nil,
            isPort(bytes, line.next(bytes)), isPort(bytes, line.next(bytes)), line.isAtEnd
        else { throw .malformed }
        return .client(source, length: length)
    }

    /// Cuts a line at each single space.
    private struct Words {
        private var at: Int
        private let end: Int

        init(_ start: Int, _ end: Int) {
            at = start
            self.end = end
        }

        var isAtEnd: Bool { at > end }

        mutating func next(_ bytes: Span<UInt8>) -> Range<Int> {
            if at > end { return 0..<0 }
            let start = at
            while at < end, bytes[at] != 0x20 { at += 1 }
            defer { at += 1 }
            return start..<at
        }
    }

    private static func equals(_ bytes: Span<UInt8>, _ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { expected in
            for at in 0..<range.count where unsafe expected[at] != bytes[range.lowerBound + at] { return false }
            return true
        }
    }

    private static func address(_ bytes: Span<UInt8>, _ range: Range<Int>, isIPv6: Bool) -> IPAddress? {
        let text = bytes.extracting(range)
        var hasColon = false
        for at in 0..<text.count where text[at] == 0x3A { hasColon = true }
        return hasColon == isIPv6 ? IPAddress(text: text) : nil
    }

    /// 0–65535, without leading zeros.
    private static func isPort(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        if range.isEmpty || range.count > 5 || (range.count > 1 && bytes[range.lowerBound] == 0x30) { return false }
        var value = 0
        for at in range {
            guard bytes[at] >= 0x30, bytes[at] <= 0x39 else { return false }
            value = value * 10 + Int(bytes[at] - 0x30)
        }
        return value <= 65535
    }

    // MARK: version 2

    /// Signature, version and command, family, length; addresses; then any number of typed values.
    private static func version2(_ bytes: Span<UInt8>) throws(ProxyHeaderFault) -> ProxyHeader {
        if bytes.count > 12, bytes[12] != 0x20, bytes[12] != 0x21 { throw .unsupported }
        if bytes.count < 16 { return .needsMore }
        let length = 16 + (Int(bytes[14]) << 8 | Int(bytes[15]))
        if length > version2Limit { throw .tooLong }
        // Said before the rest is waited for.
        let family = bytes[13]
        let isLocal = bytes[12] == 0x20
        let addresses: Int
        switch family {
        case 0x00: addresses = 0
        case 0x11: addresses = 12
        case 0x21: addresses = 36
        // A client that reached the balancer over a socket in its file system has no address.
        case 0x31: addresses = 216
        // LOCAL: whatever is said of addresses is to be skipped.
        default:
            if !isLocal { throw .unsupported }
            addresses = 0
        }
        if !isLocal, length < 16 + addresses { throw .malformed }
        if bytes.count < length { return .needsMore }
        if isLocal { return .local(length: length) }
        try checkValues(bytes.extracting(0..<length), from: 16 + addresses)
        let source = addresses == 12 ? 16..<20 : 16..<32
        guard family == 0x11 || family == 0x21, let client = IPAddress(bytes: bytes.extracting(source)) else { return .local(length: length) }
        return .client(client, length: length)
    }

    /// Type, two bytes of length, value, up to exactly the header's end. A checksum among them is compared.
    private static func checkValues(_ header: Span<UInt8>, from start: Int) throws(ProxyHeaderFault) {
        var at = start
        var checksum: Int?
        while at < header.count {
            guard header.count - at >= 3 else { throw .malformed }
            let length = Int(header[at + 1]) << 8 | Int(header[at + 2])
            guard header.count - at - 3 >= length else { throw .malformed }
            if header[at] == 0x03 {
                guard length == 4, checksum == nil else { throw .malformed }
                checksum = at + 3
            }
            at += 3 + length
        }
        guard let checksum else { return }
        var said: UInt32 = 0
        for at in checksum..<checksum + 4 { said = said << 8 | UInt32(header[at]) }
        if CRC32C.sum(header, zeroing: checksum..<checksum + 4) != said { throw .corrupt }
    }
}

/// The checksum of RFC 3720 appendix B.4 (Castagnoli's polynomial).
enum CRC32C {
    /// The sum over `bytes`, those in `zeroing` counted as zero.
    static func sum(_ bytes: Span<UInt8>, zeroing: Range<Int> = 0..<0) -> UInt32 {
        var value: UInt32 = .max
        for at in 0..<bytes.count {
            value ^= zeroing.contains(at) ? 0 : UInt32(bytes[at])
            for _ in 0..<8 { value = value & 1 == 0 ? value >> 1 : value >> 1 ^ 0x82F6_3B78 }
        }
        return ~value
    }
}
