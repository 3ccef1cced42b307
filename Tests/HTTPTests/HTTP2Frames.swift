import Bytes
import HTTP

/// Frames made and read by hand: what no library's client would send.
enum H2 {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    enum FrameType: UInt8 {
        case data = 0, headers, priority, reset, settings, push, ping, goAway, windowUpdate, continuation
        case priorityUpdate = 0x10
        case odd = 0xBB
    }
    static let endStream: UInt8 = 1
    static let ack: UInt8 = 1
    static let endHeaders: UInt8 = 4
    static let padded: UInt8 = 8

    static func frame(_ type: FrameType, flags: UInt8 = 0, stream: Int32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        let n = payload.count
        return [UInt8(n >> 16 & 255), UInt8(n >> 8 & 255), UInt8(n & 255), type.rawValue, flags] + word(UInt32(stream)) + payload
    }

    static func word(_ value: UInt32) -> [UInt8] { [UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)] }

    /// HPACK: literals without indexing, no Huffman code (RFC 7541 6.2.2).
    static func block(_ fields: [(String, String)]) -> [UInt8] { rawBlock(fields.map { (Array($0.0.utf8), Array($0.1.utf8)) }) }

    static func rawBlock(_ fields: [([UInt8], [UInt8])]) -> [UInt8] {
        fields.flatMap { [0x00] + text($0.0) + text($0.1) }
    }

    private static func text(_ bytes: [UInt8]) -> [UInt8] {
        if bytes.count < 127 { return [UInt8(bytes.count)] + bytes }
        var rest = bytes.count - 127
        var out: [UInt8] = [127]
        while rest >= 128 {
            out.append(UInt8(rest & 127 | 128))
            rest >>= 7
        }
        return out + [UInt8(rest)] + bytes
    }

    static func headers(_ stream: Int32, _ fields: [(String, String)], end: Bool = true) -> [UInt8] {
        split(stream, block(fields), end: end)
    }

    /// HEADERS, and as many CONTINUATION frames as the block needs.
    static func split(_ stream: Int32, _ block: [UInt8], end: Bool, piece: Int = 16384) -> [UInt8] {
        var out: [UInt8] = []
        var at = 0
        repeat {
            let next = min(block.count, at + piece)
            let last: UInt8 = next == block.count ? endHeaders : 0
            out += frame(at == 0 ? .headers : .continuation, flags: last | (at == 0 && end ? endStream : 0), stream: stream, Array(block[at..<next]))
            at = next
        } while at < block.count
        return out
    }

    static func get(_ path: String = "/", _ more: [(String, String)] = []) -> [(String, String)] {
        [(":method", "GET"), (":scheme", "https"), (":authority", "app.test"), (":path", path)] + more
    }

    static func post(_ more: [(String, String)] = []) -> [(String, String)] {
        [(":method", "POST"), (":scheme", "https"), (":authority", "app.test"), (":path", "/form")] + more
    }

    struct Seen: Equatable {
        var type: UInt8
        var flags: UInt8
        var stream: Int32
        var payload: [UInt8]
        var code: UInt32 { payload.suffix(from: type == FrameType.goAway.rawValue ? 4 : 0).prefix(4).reduce(0) { $0 << 8 | UInt32($1) } }
    }

    static func read(_ bytes: [UInt8]) -> [Seen] {
        var seen: [Seen] = []
        var at = 0
        while at + 9 <= bytes.count {
            let n = Int(bytes[at]) << 16 | Int(bytes[at + 1]) << 8 | Int(bytes[at + 2])
            let stream = bytes[(at + 5)..<(at + 9)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            seen.append(Seen(type: bytes[at + 3], flags: bytes[at + 4], stream: Int32(stream), payload: Array(bytes[(at + 9)..<(at + 9 + n)])))
            at += 9 + n
        }
        return seen
    }
}

/// A session under test, past the preface, with a clock of its own.
final class H2Server {
    let session: HTTP2Session
    var now = MonotonicTime(nanoseconds: 1)
    var input: [UInt8] = []

    init(_ limits: HTTP2Limits = HTTP2Limits(), greet: Bool = true) {
        session = HTTP2Session(limits: limits)
        if greet {
            try? receive(H2.preface + H2.frame(.settings))
            _ = frames()
        }
    }

    func receive(_ bytes: [UInt8]) throws(ProtocolFault) {
        input = bytes
        try session.receive(bytes.span, now: now)
    }

    /// Feeds bytes that must not end the connection, and returns the events.
    @discardableResult func feed(_ bytes: [UInt8]) -> [HTTP2Event] {
        try? receive(bytes)
        return session.takeEvents()
    }

    func output(limit: Int = 1 << 20) -> [UInt8] {
        var queue = ByteQueue()
        session.fillOutput(&queue, limit: limit)
        var bytes: [UInt8] = []
        for i in 0..<queue.count { bytes.append(queue.bytes[i]) }
        return bytes
    }

    func frames() -> [H2.Seen] { H2.read(output()) }

    func goAwayCode() -> UInt32? { frames().last { $0.type == H2.FrameType.goAway.rawValue }?.code }

    func resetCodes() -> [UInt32] { frames().filter { $0.type == H2.FrameType.reset.rawValue }.map(\.code) }

    func head(_ stream: Int32) -> RequestHead { session.takeHead(stream: stream) }
}

extension HTTP2Event {
    /// Short words to compare with.
    var word: String {
        switch self {
        case .head(let s, let end): "head \(s)\(end ? " end" : "")"
        case .fault(let s, let fault): "fault \(s) \(fault.status)"
        case .data(let s, _, let count): "data \(s) \(count)"
        case .end(let s, let trailers): "end \(s)\(trailers == nil ? "" : " trailers")"
        case .writable(let s): "writable \(s)"
        case .reset(let s, let code): "reset \(s) \(code)"
        case .closed(let s): "closed \(s)"
        }
    }
}

extension [HTTP2Event] {
    var words: [String] { map(\.word) }
}

extension RequestHead {
    func text(_ range: Range<Int>) -> String { String(decoding: fields.arena[range], as: UTF8.self) }
}

func responseHead(_ status: UInt16, _ fields: [(String, String)] = []) -> ResponseHead {
    var head = ResponseHead()
    head.status = status
    for (name, value) in fields { head.fields.append(name, value) }
    return head
}
