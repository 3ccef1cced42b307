/// Cuts a growing input into lines that end in CRLF, and nothing else (RFC 9112 section 2.2, without its leniences). It remembers how far
/// it looked, so that a head arriving byte by byte is still read once.
struct LineScanner: Sendable {
    /// Where the next line begins.
    private(set) var lineStart = 0
    private var position = 0

    /// The next whole line within the first `limit` bytes, without its line end; `nil` where it is not there yet. Every byte of it is a
    /// tab or at least 0x20, and not 0x7F.
    mutating func next(_ input: Span<UInt8>, limit: Int) throws(ProtocolFault) -> Range<Int>? {
        let end = min(input.count, limit)
        while true {
            position = firstControl(input, from: position, to: end)
            guard position < end else { return nil }
            switch input[position] {
            case 0x09:
                position += 1
            case 0x0D:
                guard position + 1 < end else { return nil }
                guard input[position + 1] == 0x0A else { throw ProtocolFault("bare-cr") }
                let line = lineStart..<position
                position += 2
                lineStart = position
                return line
            case 0x0A: throw ProtocolFault("bare-lf")
            case 0x00: throw ProtocolFault("nul")
            default: throw ProtocolFault("control-character")
            }
        }
    }
}
