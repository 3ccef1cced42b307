import Bytes
import HTTP

extension Checks {
    /// Any bytes as an HTTP/2 client's, with a caller behind the session that answers. The first byte says how: whether the preface is put before
    /// them, how long the pieces are in which they come, and what becomes of requests.
    public static func http2Frames(_ bytes: [UInt8]) -> String? {
        guard let first = bytes.first else { return nil }
        var conversation = HTTP2Conversation(manner: first)
        let preface = first & 1 == 0 ? Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0] : []
        return conversation.run(preface + bytes.dropFirst())
    }
}

/// A session, and a caller that does what a gateway may do, in a manner that one byte decides. It complains of what no session may do.
struct HTTP2Conversation {
    private enum Place { case open, ended }
    private let session = HTTP2Session()
    private let manner: UInt8
    private var input: [UInt8] = []
    private var streams: [Int32: Place] = [:]
    private var unconsumed: [Int32: Int] = [:]
    private var now = MonotonicTime(nanoseconds: 1)
    private var complaint: String?
    /// Bytes of a frame of the session's that are still to come.
    private var frameLeft = 0
    private var header: [UInt8] = []

    init(manner: UInt8) { self.manner = manner }

    mutating func run(_ bytes: [UInt8]) -> String? {
        let size = [1 << 20, 1, 7, 100][Int(manner >> 1 & 3)]
        var at = 0
        var hasFailed = false
        while at < bytes.count, complaint == nil {
            input = Array(bytes[at..<min(bytes.count, at + size)])
            at += size
            now = now.advanced(by: 10_000_000)
            do { try session.receive(input.span, now: now) } catch {
                if !session.events.isEmpty { complain("events are left after a fault") }
                hasFailed = true
            }
            pump()
            if hasFailed {
                if session.wantsIO.read { complain("it reads after a fault") }
                if (try? session.receive([0].span, now: now)) != nil { complain("it takes bytes after a fault") }
                break
            }
        }
        if manner & 8 != 0 { session.drain() }
        session.goAway(code: HTTP2ErrorCode.noError)
        input = []
        pump()
        return complaint
    }

    private mutating func complain(_ text: String) { complaint = complaint ?? text }

    private mutating func pump() {
        for event in session.takeEvents() { act(on: event) }
        for _ in 0..<8 {
            var out = ByteQueue()
            session.fillOutput(&out, limit: 1 << 14)
            for event in session.takeEvents() { act(on: event) }
            if out.isEmpty { break }
            for i in 0..<out.count { read(out.bytes[i]) }
        }
        if session.openStreams > 128 { complain("\(session.openStreams) streams") }
        if unconsumed.values.reduce(0, +) > 1 << 20 { complain("more body than its windows hold") }
    }

    private mutating func act(on event: HTTP2Event) {
        switch event {
        case .head(let id, _):
            if streams.updateValue(.open, forKey: id) != nil { complain("stream \(id) begins twice") }
            answer(id, session.takeHead(stream: id))
        case .fault(let id, let fault):
            if streams.updateValue(.ended, forKey: id) != nil { complain("stream \(id) begins twice") }
            session.submitHead(stream: id, answerHead(fault.status), endStream: true)
        case .data(let id, let offset, let count):
            if streams[id] != .open { complain("DATA for stream \(id), which is not open") }
            if offset < 0 || count <= 0 || offset + count > input.count { complain("DATA outside of the input") }
            unconsumed[id, default: 0] += count
            if id & 4 == 0 {
                session.consume(stream: id, count)
                unconsumed[id] = 0
            }
        case .end(let id, _):
            if streams.updateValue(.ended, forKey: id) != .open { complain("the end of stream \(id), which is not open") }
        case .writable(let id), .reset(let id, _):
            if streams[id] == nil { complain("an event of stream \(id), which is none") }
        case .closed(let id):
            if streams.removeValue(forKey: id) == nil { complain("stream \(id) closes, and was none") }
            unconsumed[id] = nil
        }
    }

    private mutating func answer(_ id: Int32, _ head: RequestHead) {
        if head.fields.entries.count > 200 || head.fields.arena.count > 33 << 10 { complain("a head beyond its limits") }
        if head.target.isEmpty || head.authority.isEmpty || head.methodBytes.isEmpty { complain("a head without \(head.target) \(head.authority)") }
        for entry in head.fields.entries {
            if head.fields.value(entry).contains(where: { $0 == 0 || $0 == 0x0A || $0 == 0x0D }) { complain("a control in a value") }
            if head.fields.name(entry).contains(where: { $0 <= 0x20 || $0 == 0x3A || $0 >= 0x7F }) { complain("a name that is no token") }
        }
        switch (Int32(manner >> 4) &+ id >> 1) & 7 {
        case 0: session.submitHead(stream: id, answerHead(204), endStream: true)
        case 1: session.reset(stream: id, code: HTTP2ErrorCode.cancel)
        case 2: break
        case 3:
            session.submitInformational(stream: id, status: 103, fields: answerHead(103).fields)
            session.submitHead(stream: id, answerHead(200), endStream: false)
            session.reset(stream: id, code: HTTP2ErrorCode.internalError)
        default:
            session.submitHead(stream: id, answerHead(200), endStream: false)
            session.send(stream: id, [UInt8](repeating: 7, count: Int(id & 0x3FF) * 100).span)
            if id & 8 == 0 { session.finish(stream: id, trailers: id & 16 == 0 ? answerHead(200).fields : nil) }
        }
        var head = head
        session.recycle(&head)
    }

    private func answerHead(_ status: UInt16) -> ResponseHead {
        var head = ResponseHead()
        head.status = status
        head.fields.append("X-Answer", "one")
        head.fields.append("Connection", "close")
        return head
    }

    /// What the session says consists of frames of known types that are no longer than any client takes.
    private mutating func read(_ byte: UInt8) {
        if frameLeft > 0 { return frameLeft -= 1 }
        header.append(byte)
        if header.count < 9 { return }
        frameLeft = Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2])
        if frameLeft > 1 << 14 { complain("a frame of \(frameLeft) bytes") }
        if header[3] > 9 { complain("a frame of type \(header[3])") }
        header = []
    }
}
