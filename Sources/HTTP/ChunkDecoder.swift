private import Bytes

/// The chunked coding (RFC 9112 section 7.1) as a machine that eats each byte of framing once, so that nothing needs to be kept or read
/// again. Sizes are plain hexadecimal, extensions must be well-formed and short, line ends are CRLF.
struct ChunkDecoder: Sendable {
    private enum State: Sendable {
        case size, sizeEnd, extensionName, extensionValue, extensionToken, quoted, quotedPair, quotedEnd
        case data, dataCR, dataLF
    }

    /// Bytes of extensions in one chunk's line, and in a whole message.
    static let extensionLimit = 256
    static let extensionsLimit = 16 << 10

    private var state = State.size
    private var remaining: UInt64 = 0
    private var digits = 0
    private var nameLength = 0
    private var extensionBytes = 0
    private var extensionsBytes = 0

    enum Step {
        case needMore
        case skip(Int)
        case data(skip: Int, count: Int)
        /// The last chunk's line was consumed; the trailer section begins after that many bytes.
        case trailers(Int)
    }

    mutating func next(_ input: Span<UInt8>) throws(ProtocolFault) -> Step {
        var at = 0
        while at < input.count {
            if state == .data {
                let count = Int(min(remaining, UInt64(input.count - at)))
                remaining -= UInt64(count)
                if remaining == 0 { state = .dataCR }
                return .data(skip: at, count: count)
            }
            let isLast = try eat(input[at])
            at += 1
            if isLast { return .trailers(at) }
        }
        return at > 0 ? .skip(at) : .needMore
    }

    /// Eats one byte of framing; true at the end of the last chunk's line.
    private mutating func eat(_ byte: UInt8) throws(ProtocolFault) -> Bool {
        switch state {
        case .size: try eatSize(byte)
        case .sizeEnd:
            guard byte == 0x0A else { throw ProtocolFault("chunk-line-end") }
            if remaining == 0 { return true }
            state = .data
        case .extensionName, .extensionValue, .extensionToken, .quoted, .quotedPair, .quotedEnd: try eatExtension(byte)
        case .data, .dataCR:
            guard byte == 0x0D else { throw ProtocolFault("chunk-data-end") }
            state = .dataLF
        case .dataLF:
            guard byte == 0x0A else { throw ProtocolFault("chunk-data-end") }
            state = .size
            digits = 0
            remaining = 0
        }
        return false
    }

    private mutating func eatSize(_ byte: UInt8) throws(ProtocolFault) {
        if let value = Hex.value(byte) {
            digits += 1
            guard digits <= 16, remaining < 1 << 59 else { throw ProtocolFault("chunk-size") }
            remaining = remaining << 4 | UInt64(value)
            return
        }
        guard digits > 0 else { throw ProtocolFault("chunk-size") }
        switch byte {
        case 0x0D: state = .sizeEnd
        case UInt8(ascii: ";"):
            extensionBytes = 0
            nameLength = 0
            state = .extensionName
        default: throw ProtocolFault("chunk-size")
        }
    }

    /// `*( ";" name [ "=" ( token / quoted-string ) ] )`, without the blanks that the grammar calls bad.
    private mutating func eatExtension(_ byte: UInt8) throws(ProtocolFault) {
        extensionBytes += 1
        extensionsBytes += 1
        guard extensionBytes <= Self.extensionLimit, extensionsBytes <= Self.extensionsLimit else { throw ProtocolFault("chunk-extension-size") }
        switch (state, byte) {
        case (.extensionName, _) where isToken(byte): nameLength += 1
        case (.extensionName, UInt8(ascii: "=")) where nameLength > 0: state = .extensionValue
        case (.extensionValue, UInt8(ascii: "\"")): state = .quoted
        case (.extensionValue, _) where isToken(byte): state = .extensionToken
        case (.extensionToken, _) where isToken(byte): break
        case (.quoted, UInt8(ascii: "\"")): state = .quotedEnd
        case (.quoted, UInt8(ascii: "\\")): state = .quotedPair
        case (.quoted, _) where byte == 0x09 || byte >= 0x20 && byte != 0x7F: break
        case (.quotedPair, _) where byte == 0x09 || byte >= 0x20 && byte != 0x7F: state = .quoted
        case (.extensionName, 0x0D) where nameLength > 0, (.extensionToken, 0x0D), (.quotedEnd, 0x0D): state = .sizeEnd
        case (.extensionName, UInt8(ascii: ";")) where nameLength > 0, (.extensionToken, UInt8(ascii: ";")), (.quotedEnd, UInt8(ascii: ";")):
            nameLength = 0
            state = .extensionName
        default: throw ProtocolFault("chunk-extension")
        }
    }
}
