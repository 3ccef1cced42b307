/// Puts the decoded field lines of one header block of an upstream into a `ResponseHead` or a trailer section. nghttp2 has checked by then what RFC 9113 8.2
/// and 8.3 ask of names, values and pseudo-header fields; here are the limits.
struct HTTP2ResponseBuilder {
    private var head = ResponseHead()
    private(set) var contentLength: UInt64?
    /// The block began with a status: it is a head, and no trailers.
    private(set) var hasStatus = false
    private let limits: HeadLimits
    private var bytes = 0

    init(_ limits: HeadLimits) { self.limits = limits }

    mutating func begin() {
        head.reset()
        head.version = .http2
        contentLength = nil
        hasStatus = false
        bytes = 0
    }

    /// Adds a field line. False: over the limits, or nothing that a status could be.
    mutating func add(name: Span<UInt8>, value: Span<UInt8>) -> Bool {
        bytes &+= name.count &+ value.count &+ 4
        if bytes > limits.headBytes { return false }
        if name.count > 0, name[0] == 0x3A { return readStatus(value) }
        if head.fields.entries.count >= limits.fields { return false }
        let known = KnownField(name: name)
        if known == .contentLength {
            contentLength = MessageFraming.decimal(value)
            if contentLength == nil { return false }
        }
        head.fields.append(name: name, value: value, known: known)
        return true
    }

    private mutating func readStatus(_ value: Span<UInt8>) -> Bool {
        guard value.count == 3, isDigit(value[0]), isDigit(value[1]), isDigit(value[2]), value[0] != 0x30 else { return false }
        hasStatus = true
        head.status = UInt16(value[0] & 15) * 100 + UInt16(value[1] & 15) * 10 + UInt16(value[2] & 15)
        return true
    }

    /// Moves the head out. `body` is told from what the block says and from whether anything follows it; `forbidsBody`: HEAD was asked.
    mutating func take(endStream: Bool, forbidsBody: Bool) -> ResponseHead {
        var taken = ResponseHead()
        swap(&taken, &head)
        if endStream || forbidsBody || taken.status == 204 || taken.status == 304 || contentLength == 0 {
            taken.body = .none
        } else {
            taken.body = contentLength.map { .exactly($0) } ?? .untilEnd
        }
        return taken
    }
}
