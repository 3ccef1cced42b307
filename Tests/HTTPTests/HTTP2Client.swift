import Bytes
import CNghttp2
import HTTP

/// nghttp2's own client, in memory, to speak with the session under test.
final class H2Client {
    final class Answer {
        var status = ""
        var informational: [String] = []
        var fields: [(String, String)] = []
        var trailers: [(String, String)] = []
        var body: [UInt8] = []
        var isClosed = false
        var code: UInt32 = 0
    }

    private var session: OpaquePointer?
    var answers: [Int32: Answer] = [:]
    var uploads: [Int32: [UInt8]] = [:]
    var uploadTrailers: [Int32: [(String, String)]] = [:]
    var goAways: [UInt32] = []
    /// Whether received bytes are acknowledged by window updates.
    let reads: Bool

    init(reads: Bool = true) {
        self.reads = reads
        var callbacks: OpaquePointer?
        nghttp2_session_callbacks_new(&callbacks)
        nghttp2_session_callbacks_set_on_header_callback(callbacks) { _, frame, name, nameLength, value, valueLength, _, data in
            let client = H2Client.of(data)
            let name = String(decoding: UnsafeBufferPointer(start: name, count: nameLength), as: UTF8.self)
            let value = String(decoding: UnsafeBufferPointer(start: value, count: valueLength), as: UTF8.self)
            let answer = client.answers[frame!.pointee.hd.stream_id]
            if name == ":status" {
                if value.hasPrefix("1") { answer?.informational.append(value) } else { answer?.status = value }
            } else if answer?.status == "" || answer!.body.isEmpty && frame!.pointee.headers.cat != NGHTTP2_HCAT_HEADERS {
                answer?.fields.append((name, value))
            } else {
                answer?.trailers.append((name, value))
            }
            return 0
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, stream, bytes, count, data in
            H2Client.of(data).answers[stream]?.body.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, stream, code, data in
            let answer = H2Client.of(data).answers[stream]
            answer?.isClosed = true
            answer?.code = code
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, data in
            if frame!.pointee.hd.type == UInt8(NGHTTP2_GOAWAY.rawValue) { H2Client.of(data).goAways.append(frame!.pointee.goaway.error_code) }
            return 0
        }
        var options: OpaquePointer?
        nghttp2_option_new(&options)
        nghttp2_option_set_no_auto_window_update(options, reads ? 0 : 1)
        nghttp2_session_client_new2(&session, callbacks, Unmanaged.passUnretained(self).toOpaque(), options)
        nghttp2_session_callbacks_del(callbacks)
        nghttp2_option_del(options)
        nghttp2_submit_settings(session, 0, nil, 0)
    }

    deinit { nghttp2_session_del(session) }

    private static func of(_ data: UnsafeMutableRawPointer?) -> H2Client { Unmanaged.fromOpaque(data!).takeUnretainedValue() }

    func request(_ fields: [(String, String)], body: [UInt8]? = nil, trailers: [(String, String)] = []) -> Int32 {
        let stream = Self.withLines(fields) { lines, count -> Int32 in
            guard body != nil else { return nghttp2_submit_request(session, nil, lines, count, nil, nil) }
            var provider = nghttp2_data_provider(source: nghttp2_data_source(fd: 0)) { session, stream, out, limit, flags, _, data in
                let client = H2Client.of(data)
                let rest = client.uploads[stream] ?? []
                let count = min(rest.count, limit)
                for i in 0..<count { out![i] = rest[i] }
                client.uploads[stream] = Array(rest[count...])
                if count == rest.count {
                    flags!.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
                    if let trailers = client.uploadTrailers[stream] {
                        flags!.pointee |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
                        _ = H2Client.withLines(trailers) { nghttp2_submit_trailer(session, stream, $0, $1) }
                    }
                }
                return count
            }
            return nghttp2_submit_request(session, nil, lines, count, &provider, nil)
        }
        answers[stream] = Answer()
        if let body { uploads[stream] = body }
        if !trailers.isEmpty { uploadTrailers[stream] = trailers }
        return stream
    }

    func reset(_ stream: Int32, code: UInt32 = HTTP2ErrorCode.cancel) { nghttp2_submit_rst_stream(session, 0, stream, code) }

    /// Reads `count` bytes of what came, for a client that does not do so by itself.
    func consume(_ stream: Int32, _ count: Int) { nghttp2_session_consume(session, stream, count) }

    func output() -> [UInt8] {
        var out: [UInt8] = []
        while true {
            var bytes: UnsafePointer<UInt8>?
            let count = nghttp2_session_mem_send(session, &bytes)
            if count <= 0 { return out }
            out.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
        }
    }

    @discardableResult func receive(_ bytes: [UInt8]) -> Int { nghttp2_session_mem_recv(session, bytes, bytes.count) }

    private static func withLines(_ fields: [(String, String)], _ body: (UnsafePointer<nghttp2_nv>, Int) -> Int32) -> Int32 {
        let text = fields.map { (Array($0.0.utf8) + [0], Array($0.1.utf8) + [0]) }
        let copies = text.map { (name, value) -> (UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<UInt8>, Int, Int) in
            let a = UnsafeMutablePointer<UInt8>.allocate(capacity: name.count)
            let b = UnsafeMutablePointer<UInt8>.allocate(capacity: value.count)
            a.initialize(from: name, count: name.count)
            b.initialize(from: value, count: value.count)
            return (a, b, name.count - 1, value.count - 1)
        }
        defer { copies.forEach { $0.0.deallocate(); $0.1.deallocate() } }
        let lines = copies.map { nghttp2_nv(name: $0.0, value: $0.1, namelen: $0.2, valuelen: $0.3, flags: 0) }
        return lines.withUnsafeBufferPointer { body($0.baseAddress!, $0.count) }
    }
}

/// Client and server, and the wire between them.
final class H2Pair {
    let client: H2Client
    let server: H2Server

    init(_ limits: HTTP2Limits = HTTP2Limits(), reads: Bool = true) {
        client = H2Client(reads: reads)
        server = H2Server(limits, greet: false)
        exchange()
    }

    /// Carries bytes both ways until nobody has any; `act` sees the server's events, and the input that they point into.
    func exchange(_ act: (HTTP2Event, [UInt8]) -> Void = { _, _ in }) {
        while true {
            let up = client.output()
            if !up.isEmpty { try? server.receive(up) }
            for event in server.session.takeEvents() { act(event, server.input) }
            let down = server.output(limit: 64 << 10)
            for event in server.session.takeEvents() { act(event, server.input) }
            if !down.isEmpty { client.receive(down) }
            if up.isEmpty && down.isEmpty { return }
        }
    }
}
