import Bytes
import HTTP
import Testing

/// Broken conversations: whatever comes, the session answers, refuses or ends, and holds no more than its limits allow.
@Suite struct HTTP2NoiseTests {
    struct Dice: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
    }

    static let frames: [[UInt8]] = [
        H2.headers(1, H2.get("/a", [("cookie", "a=b"), ("x", "y")])),
        H2.headers(3, H2.post([("content-length", "10")]), end: false),
        H2.frame(.data, stream: 3, [1, 2, 3, 4, 5]),
        H2.frame(.data, flags: H2.padded | H2.endStream, stream: 3, [3, 6, 7, 8, 9, 10, 0, 0, 0]),
        H2.headers(5, H2.post(), end: false),
        H2.split(5, H2.block([("x-trailer", "1")]), end: true),
        H2.split(7, H2.block(H2.get("/long", [("x", String(repeating: "z", count: 300))])), end: true, piece: 50),
        H2.frame(.windowUpdate, H2.word(1000)),
        H2.frame(.windowUpdate, stream: 5, H2.word(0)),
        H2.frame(.settings, [0, 4, 0, 0, 0, 1]),
        H2.frame(.settings, [0, 1, 0, 0, 0, 0]),
        H2.frame(.ping, [1, 2, 3, 4, 5, 6, 7, 8]),
        H2.frame(.reset, stream: 3, H2.word(8)),
        H2.frame(.priority, stream: 1, [0, 0, 0, 1, 1]),
        H2.frame(.goAway, H2.word(0) + H2.word(0)),
        H2.frame(.push, stream: 1, [0, 0, 0, 2]),
        H2.frame(.odd, stream: 9, [1, 2, 3]),
    ]

    private func conversation(_ dice: inout Dice) -> [UInt8] {
        var bytes = H2.preface + H2.frame(.settings)
        for _ in 0..<Int.random(in: 1...30, using: &dice) { bytes += Self.frames.randomElement(using: &dice)! }
        for _ in 0..<Int.random(in: 0...6, using: &dice) {
            let at = Int.random(in: 24..<bytes.count, using: &dice)
            switch Int.random(in: 0..<4, using: &dice) {
            case 0: bytes[at] = UInt8.random(in: 0...255, using: &dice)
            case 1: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &dice)
            case 2: bytes.remove(at: at)
            default: bytes.insert(UInt8.random(in: 0...255, using: &dice), at: at)
            }
        }
        return bytes
    }

    private func act(_ event: HTTP2Event, _ server: H2Server, _ dice: inout Dice) {
        switch event {
        case .head(let stream, _):
            var head = server.head(stream)
            #expect(head.fields.entries.count <= 200 && head.fields.arena.count <= 32 << 10)
            #expect(!head.target.isEmpty && !head.authority.isEmpty)
            server.session.recycle(&head)
            switch Int.random(in: 0..<4, using: &dice) {
            case 0: server.session.submitHead(stream: stream, responseHead(200), endStream: true)
            case 1: server.session.reset(stream: stream, code: HTTP2ErrorCode.cancel)
            case 2: break
            default:
                server.session.submitHead(stream: stream, responseHead(200, [("A", "b")]), endStream: false)
                server.session.send(stream: stream, [UInt8](repeating: 1, count: Int.random(in: 0..<50_000, using: &dice)).span)
                if Bool.random(using: &dice) { server.session.finish(stream: stream, trailers: Bool.random(using: &dice) ? responseHead(200, [("T", "1")]).fields : nil) }
            }
        case .fault(let stream, let fault): server.session.submitHead(stream: stream, responseHead(fault.status), endStream: true)
        case .data(let stream, let offset, let count):
            #expect(offset >= 0 && count > 0 && offset + count <= server.input.count)
            if Bool.random(using: &dice) { server.session.consume(stream: stream, count) }
        case .end, .writable, .reset, .closed: break
        }
    }

    @Test(arguments: 1...8) func whateverComesIsEndured(seed: Int) {
        var dice = Dice(state: UInt64(seed) &* 0x9E37_79B9_7F4A_7C15)
        for _ in 0..<150 {
            let server = H2Server(greet: false)
            var rest = conversation(&dice)[...]
            var open: Set<Int32> = []
            while !rest.isEmpty {
                let piece = Array(rest.prefix(Int.random(in: 1...400, using: &dice)))
                rest = rest.dropFirst(piece.count)
                let hasEnded = (try? server.receive(piece)) == nil
                for event in server.session.takeEvents() {
                    switch event {
                    case .head(let id, _), .fault(let id, _): #expect(open.insert(id).inserted, "seed \(seed)")
                    case .closed(let id): #expect(open.remove(id) != nil, "seed \(seed)")
                    case .data(let id, _, _), .end(let id, _), .writable(let id), .reset(let id, _): #expect(open.contains(id), "seed \(seed)")
                    }
                    act(event, server, &dice)
                }
                if Bool.random(using: &dice) { _ = server.output(limit: Int.random(in: 1...100_000, using: &dice)) }
                for event in server.session.takeEvents() {
                    if case .closed(let id) = event { #expect(open.remove(id) != nil, "seed \(seed)") }
                }
                if hasEnded { break }
            }
            _ = server.output()
            #expect(server.session.openStreams >= 0)
        }
    }
}
