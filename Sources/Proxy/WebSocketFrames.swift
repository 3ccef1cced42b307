/// Why the gateway closes a WebSocket (RFC 6455 section 7.4.1).
enum WebSocketCloseCode: UInt16 {
    case goingAway = 1001
    case policyViolation = 1008

    /// An unmasked close frame with this code and no reason.
    var frame: [UInt8] { [0x88, 0x02, UInt8(rawValue >> 8), UInt8(rawValue & 0xFF)] }
}

/// Follows the frames in a stream of WebSocket bytes (RFC 6455 section 5.2) without keeping any of them: it only knows where one ends.
struct WebSocketFrameCursor {
    private enum State {
        /// So many bytes of a frame's head are known.
        case head(have: Int)
        /// So many bytes of its payload are still to come.
        case payload(UInt64)
    }
    private var state = State.head(have: 0)
    private var need = 2
    private var length: UInt64 = 0
    private var masked = false

    init() {}

    /// Whether a new frame could begin here.
    var isAtBoundary: Bool {
        if case .head(have: 0) = state { return true }
        return false
    }

    /// Moves over `bytes`; stops at the first boundary where asked to. Returns how many bytes it moved over.
    mutating func advance(over bytes: Span<UInt8>, stopAtBoundary: Bool) -> Int {
        var at = 0
        if stopAtBoundary && isAtBoundary { return 0 }
        while at < bytes.count {
            switch state {
            case .head(let have):
                take(bytes[at], at: have)
                at += 1
                if have + 1 < need {
                    state = .head(have: have + 1)
                } else {
                    state = length == 0 ? .head(have: 0) : .payload(length)
                }
            case .payload(let left):
                let step = min(left, UInt64(bytes.count - at))
                at += Int(step)
                state = left == step ? .head(have: 0) : .payload(left - step)
            }
            if stopAtBoundary && isAtBoundary { return at }
        }
        return at
    }

    private mutating func take(_ byte: UInt8, at position: Int) {
        switch position {
        case 0:
            need = 2
            length = 0
        case 1:
            masked = byte & 0x80 != 0
            let short = byte & 0x7F
            let extended = short == 126 ? 2 : short == 127 ? 8 : 0
            need = 2 + extended + (masked ? 4 : 0)
            if extended == 0 { length = UInt64(short) }
        default:
            if position < need - (masked ? 4 : 0) { length = length << 8 | UInt64(byte) }
        }
    }
}
