import Bytes
import CNghttp2

/// Owns one `nghttp2_session` with an upstream and the memory its callbacks write into. Every call of nghttp2 on behalf of the session is in this file and in
/// `HTTP2UpstreamCallbacks.swift`; no pointer leaves them.
@safe struct HTTP2UpstreamEngine: ~Copyable {
    private let session: OpaquePointer
    private let state: UnsafeMutablePointer<HTTP2UpstreamInbox>

    init(limits: HTTP2UpstreamLimits) {
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: HTTP2UpstreamInbox(limits: limits))
        unsafe session = Self.makeSession(limits, UnsafeMutableRawPointer(state))
        unsafe Self.greet(session, limits)
    }

    deinit {
        unsafe nghttp2_session_del(session)
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
    }

    var inbox: HTTP2UpstreamInbox {
        _read { yield unsafe state.pointee }
        nonmutating _modify { yield unsafe &state.pointee }
    }

    private static func makeSession(_ limits: HTTP2UpstreamLimits, _ state: UnsafeMutableRawPointer) -> OpaquePointer {
        var callbacks: OpaquePointer?
        var options: OpaquePointer?
        var session: OpaquePointer?
        unsafe nghttp2_session_callbacks_new(&callbacks)
        unsafe setHTTP2UpstreamCallbacks(callbacks)
        unsafe nghttp2_option_new(&options)
        defer {
            unsafe nghttp2_session_callbacks_del(callbacks)
            unsafe nghttp2_option_del(options)
        }
        unsafe nghttp2_option_set_no_auto_window_update(options, 1)
        unsafe nghttp2_option_set_no_closed_streams(options, 1)
        unsafe nghttp2_option_set_max_outbound_ack(options, limits.pendingAcknowledgements)
        unsafe nghttp2_option_set_max_continuations(options, limits.continuations)
        unsafe nghttp2_option_set_max_send_header_block_length(options, 256 << 10)
        unsafe nghttp2_session_client_new3(&session, callbacks, state, options, nil)
        guard let session = unsafe session else { preconditionFailure("out of memory") }
        return unsafe session
    }

    /// Queues the gateway's SETTINGS and widens the connection's window.
    private static func greet(_ session: OpaquePointer, _ limits: HTTP2UpstreamLimits) {
        let settings = [
            nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0),
            nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue), value: limits.streamWindow),
            nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue), value: UInt32(clamping: limits.head.headBytes)),
        ]
        unsafe nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count)
        unsafe nghttp2_session_set_local_window_size(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, limits.connectionWindow)
    }
}

// MARK: the two directions

extension HTTP2UpstreamEngine {
    /// Feeds bytes; false where nghttp2 cannot go on.
    func receive(_ input: Span<UInt8>) -> Bool {
        let used = unsafe input.withUnsafeBufferPointer { bytes in
            unsafe inbox.input = bytes.baseAddress
            return unsafe nghttp2_session_mem_recv(session, bytes.baseAddress, bytes.count)
        }
        unsafe inbox.input = nil
        return used >= 0
    }

    /// Moves frames into `inbox.output` until about `limit` bytes wait there or none are left; false where nghttp2 cannot go on.
    func send(limit: Int) -> Bool {
        while inbox.output.count < limit {
            var bytes: UnsafePointer<UInt8>?
            let count = unsafe nghttp2_session_mem_send(session, &bytes)
            if count < 0 { return false }
            if count == 0 { break }
            unsafe inbox.output.append(Span(_unsafeElements: UnsafeBufferPointer(start: bytes, count: count)))
        }
        return true
    }

    var wantsRead: Bool { unsafe nghttp2_session_want_read(session) != 0 }
    var wantsWrite: Bool { unsafe nghttp2_session_want_write(session) != 0 }

    /// Streams that the upstream allows at once.
    var allowedStreams: Int { Int(unsafe nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)) }

    /// RFC 8441: the upstream takes extended CONNECT.
    var allowsExtendedConnect: Bool { unsafe nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1 }
}

// MARK: what is submitted

extension HTTP2UpstreamEngine {
    /// Queues a request; its stream, or nil where the session takes none any more. nghttp2 copies the fields and lower-cases their names.
    func submit(_ head: HTTP1RequestLines, scheme: StaticString, endStream: Bool) -> Int32? {
        let stream = unsafe head.text.withUnsafeBufferPointer { text -> Int32 in
            guard let base = unsafe UnsafeMutablePointer(mutating: text.baseAddress) else { return -1 }
            return unsafe withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: head.fields.count + 5) { lines in
                var count = 0
                func add(_ name: StaticString, _ value: StaticString) {
                    unsafe lines.initializeElement(at: count, to: nghttp2_nv(
                        name: UnsafeMutablePointer(mutating: name.utf8Start), value: UnsafeMutablePointer(mutating: value.utf8Start),
                        namelen: name.utf8CodeUnitCount, valuelen: value.utf8CodeUnitCount, flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)))
                    count += 1
                }
                func add(_ name: StaticString, _ value: Range<Int>) {
                    unsafe lines.initializeElement(at: count, to: nghttp2_nv(
                        name: UnsafeMutablePointer(mutating: name.utf8Start), value: base + value.lowerBound,
                        namelen: name.utf8CodeUnitCount, valuelen: value.count, flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)))
                    count += 1
                }
                if head.isWebSocket {
                    add(":method", "CONNECT")
                    add(":protocol", "websocket")
                } else {
                    add(":method", head.method)
                }
                add(":scheme", scheme)
                add(":path", head.target)
                add(":authority", head.authority)
                for field in head.fields {
                    // What is somebody's own must not be told by how well it compresses beside a guess (RFC 7541 section 7.1).
                    let flags = field.isSecret ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE
                    unsafe lines.initializeElement(at: count, to: nghttp2_nv(
                        name: base + field.name.lowerBound, value: base + field.value.lowerBound,
                        namelen: field.name.count, valuelen: field.value.count, flags: UInt8(flags.rawValue)))
                    count += 1
                }
                if endStream { return unsafe nghttp2_submit_request(session, nil, lines.baseAddress, count, nil, nil) }
                var provider = unsafe nghttp2_data_provider(source: nghttp2_data_source(fd: 0), read_callback: http2ReadRequestBody)
                return unsafe nghttp2_submit_request(session, nil, lines.baseAddress, count, &provider, nil)
            }
        }
        return stream > 0 ? stream : nil
    }

    func submitTrailers(_ stream: Int32, _ fields: borrowing Fields) -> Bool {
        let entries = fields.entries
        return unsafe fields.arena.withUnsafeBufferPointer { arena in
            guard let base = unsafe UnsafeMutablePointer(mutating: arena.baseAddress) else { return false }
            return unsafe withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: entries.count) { lines in
                for (index, entry) in entries.enumerated() {
                    unsafe lines.initializeElement(at: index, to: nghttp2_nv(
                        name: base + Int(entry.nameStart), value: base + Int(entry.valueStart), namelen: Int(entry.nameLength),
                        valuelen: Int(entry.valueLength), flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)))
                }
                return unsafe nghttp2_submit_trailer(session, stream, lines.baseAddress, entries.count) == 0
            }
        }
    }

    func resume(_ stream: Int32) { _ = unsafe nghttp2_session_resume_data(session, stream) }

    func reset(_ stream: Int32, code: UInt32) {
        _ = unsafe nghttp2_submit_rst_stream(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, code)
    }

    func consume(_ stream: Int32, _ count: Int) { _ = unsafe nghttp2_session_consume_stream(session, stream, count) }

    func consumeConnection(_ count: Int) { _ = unsafe nghttp2_session_consume_connection(session, count) }

    func ping() { _ = unsafe nghttp2_submit_ping(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil) }

    /// GOAWAY after which nothing more is read or sent.
    func terminate(code: UInt32) { _ = unsafe nghttp2_session_terminate_session(session, code) }
}
