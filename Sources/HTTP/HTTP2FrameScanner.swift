/// Finds the frames in a client's bytes before nghttp2 sees them: what nghttp2 drops in silence must be counted too, and frames for streams that
/// are over must be judged (RFC 9113 section 5.1), which nghttp2 leaves out. It keeps nothing but a frame's header and its first bytes.
struct HTTP2FrameScanner {
    struct Frame: Equatable {
        var type: UInt8
        var flags: UInt8
        var stream: Int32
        /// Bytes of payload.
        var length: Int
        /// The payload's first bytes, big-endian, as many as are looked at.
        var start: UInt32 = 0
    }

    /// Bytes of the client's preface (RFC 9113 section 3.4) that are still to come.
    private var preface = 24
    /// A header that came in pieces, and how many bytes of it.
    private var header: InlineArray<9, UInt8> = .init(repeating: 0)
    private var have = 0
    private var frame = Frame(type: 0, flags: 0, stream: 0, length: 0)
    /// Bytes of the payload seen and to come.
    private var seen = 0
    private var left = 0
    private var isReported = true
    static let headerBytes = 9

    /// Reads on from `position`, which it moves: the next frame whose header, and so much of its payload as is looked at, is whole, and where in
    /// the input it begins; negative where an earlier one holds its first bytes.
    mutating func next(_ input: Span<UInt8>, _ position: inout Int) -> (frame: Frame, at: Int)? {
        let skipped = min(preface, input.count - position)
        preface -= skipped
        position += skipped
        while position < input.count {
            if isReported && left > 0 {
                let step = min(left, input.count - position)
                left -= step
                position += step
            } else if isReported {
                if let found = readHeader(input, &position) { return found }
            } else if let found = readStart(input, &position) {
                return found
            }
        }
        return nil
    }

    private mutating func readHeader(_ input: Span<UInt8>, _ position: inout Int) -> (Frame, Int)? {
        if have == 0 && input.count - position >= Self.headerBytes {
            begin(input.extracting(position..<position + Self.headerBytes))
            position += Self.headerBytes
        } else {
            while position < input.count, have < Self.headerBytes {
                header[have] = input[position]
                have += 1
                position += 1
            }
            if have < Self.headerBytes { return nil }
            have = 0
            let whole = header
            begin(whole.span)
        }
        return isReported ? (frame, position - Self.headerBytes) : nil
    }

    private mutating func begin(_ header: Span<UInt8>) {
        frame = Frame(
            type: header[3], flags: header[4], stream: Int32(truncatingIfNeeded: word(header, 5) & 0x7FFF_FFFF),
            length: Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2]))
        (left, seen) = (frame.length, 0)
        isReported = frame.wanted == 0
    }

    private mutating func readStart(_ input: Span<UInt8>, _ position: inout Int) -> (Frame, Int)? {
        while position < input.count, seen < frame.wanted {
            frame.start = frame.start << 8 | UInt32(input[position])
            seen += 1
            left -= 1
            position += 1
        }
        if seen < frame.wanted { return nil }
        isReported = true
        return (frame, position - seen - Self.headerBytes)
    }
}

private func word(_ bytes: Span<UInt8>, _ at: Int) -> UInt32 {
    UInt32(bytes[at]) << 24 | UInt32(bytes[at + 1]) << 16 | UInt32(bytes[at + 2]) << 8 | UInt32(bytes[at + 3])
}

extension HTTP2FrameScanner.Frame {
    /// Bytes of payload that are looked at: the padding's length of DATA, the dependency of PRIORITY.
    fileprivate var wanted: Int {
        switch type {
        case 0: isPadded ? min(1, length) : 0
        case 2: min(4, length)
        default: 0
        }
    }

    var endsStream: Bool { flags & 0x1 != 0 }
    private var isAcknowledgement: Bool { flags & 0x1 != 0 }
    private var isPadded: Bool { flags & 0x8 != 0 }

    var isData: Bool { type == 0 }
    var isHeaders: Bool { type == 1 }
    var isPriority: Bool { type == 2 && length == 5 }

    /// The stream that PRIORITY makes this one depend on.
    var dependency: Int32 { Int32(truncatingIfNeeded: start & 0x7FFF_FFFF) }

    /// The budget that pays for it; nil: it costs the client what it costs us.
    var budget: HTTP2FrameBudget.Kind? {
        switch type {
        case 0: !endsStream && (length == 0 || isPadded && length <= Int(start) + 1) ? .emptyData : nil
        case 1, 9: nil
        case 2, 0x10: .priority
        case 3: .clientReset
        case 4: isAcknowledgement ? .unknown : .settings
        case 6: isAcknowledgement ? .unknown : .ping
        case 8: .windowUpdate
        default: .unknown
        }
    }
}
