import Bytes
import CNghttp2

/// Owns one `nghttp2_session` and the memory its callbacks write into. Every call of nghttp2 on behalf of the session is in this file and in
/// `HTTP2Callbacks.swift`; no pointer leaves them.
@safe struct HTTP2Engine: ~Copyable {
    private let session: OpaquePointer
    private let state: UnsafeMutablePointer<HTTP2Inbox>
    /// Scratch for `:status`, three digits at a time.
    private let digits: UnsafeMutablePointer<UInt8>

    init(limits: HTTP2Limits, heads: RequestHeadPool) {
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: HTTP2Inbox(limits: limits, heads: heads))
        unsafe digits = .allocate(capacity: 3)
        unsafe session = Self.makeSession(limits, UnsafeMutableRawPointer(state))
        unsafe Self.greet(session, limits)
    }

    deinit {
        unsafe nghttp2_session_del(session)
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
        unsafe digits.deallocate()
    }

    var inbox: HTTP2Inbox {
        _read { yield unsafe state.pointee }
        nonmutating _modify { yield unsafe &state.pointee }
    }

    private static func makeSession(_ limits: HTTP2Limits, _ state: UnsafeMutableRawPointer) -> OpaquePointer {
        var callbacks: OpaquePointer?
        var options: OpaquePointer?
        var session: OpaquePointer?
        unsafe nghttp2_session_callbacks_new(&callbacks)
        unsafe setHTTP2Callbacks(callbacks)
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
        // Frames of unknown types are dropped, but not before they are counted.
        for type in UInt8(0x0A)...0xFF { unsafe nghttp2_option_set_user_recv_extension_type(options, type) }
        // Behind the gateway's own budget, which says why; this one speaks where that is configured away.
        let resets = limits.frames.clientReset
        unsafe nghttp2_option_set_stream_reset_rate_limit(options, UInt64(max(1, resets.burst)) * 2, UInt64(max(1, resets.perSecond)) * 2)
        unsafe nghttp2_session_server_new3(&session, callbacks, state, options, nil)
        guard let session = unsafe session else { preconditionFailure("out of memory") }
        return unsafe session
    }

    /// Queues the gateway's SETTINGS and widens the connection's window.
    private static func greet(_ session: OpaquePointer, _ limits: HTTP2Limits) {
        let settings = [
            nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue), value: limits.concurrentStreams),
            nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue), value: limits.streamWindow),
            nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue), value: UInt32(clamping: limits.headBytes)),
            nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0),
            // WebSockets (RFC 8441 section 3)
            nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL.rawValue), value: 1),
            // The tree of RFC 7540 priorities costs memory and serves no living client well.
            nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES.rawValue), value: 1),
        ]
        unsafe nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count)
        unsafe nghttp2_session_set_local_window_size(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, Int32(clamping: limits.connectionWindow))
    }
}

// MARK: the two directions

extension HTTP2Engine {
    /// Feeds `range` of the input; false where the connection must end (`inbox.failure`).
    func receive(_ input: Span<UInt8>, _ range: Range<Int>) -> Bool {
        if range.isEmpty { return true }
        let used = unsafe input.withUnsafeBufferPointer { bytes in
            unsafe inbox.input = bytes.baseAddress
            return unsafe nghttp2_session_mem_recv(session, bytes.baseAddress.unsafelyUnwrapped + range.lowerBound, range.count)
        }
        unsafe inbox.input = nil
        if used < 0 {
            if let abuse = Self.abuse(used) { inbox.fail(abuse, Self.fault(used)) }
            if inbox.failure == nil { inbox.failure = Self.fault(used) }
        }
        return inbox.failure == nil
    }

    /// Frames that wait to be sent.
    var waitingFrames: Int { unsafe nghttp2_session_get_outbound_queue_size(session) }

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
}

// MARK: what is submitted

extension HTTP2Engine {
    /// The place of an open stream.
    func index(_ stream: Int32) -> Int? {
        unsafe http2Index(session, stream, state)
    }

    enum Section: Equatable {
        case response(endStream: Bool)
        case informational
        case trailers
    }

    /// Queues a header section. nghttp2 copies the fields and lower-cases their names; connection-specific ones (RFC 9113 8.2.2) are left out. What is a secret,
    /// and what never comes twice, stays out of the compression table.
    func submit(_ section: Section, stream: Int32, status: UInt16, _ fields: borrowing Fields) -> Bool {
        let entries = fields.entries
        return unsafe fields.arena.withUnsafeBufferPointer { arena in
            // A head without any byte has no base address; no entry points into it then.
            let base = unsafe UnsafeMutablePointer(mutating: arena.baseAddress) ?? digits
            return unsafe withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: entries.count + 1) { lines in
                var count = 0
                if section != .trailers {
                    unsafe lines.initializeElement(at: 0, to: statusLine(status))
                    count = 1
                }
                for entry in entries where !Self.isConnectionSpecific(entry.known) {
                    let flags = entry.known == .setCookie || entry.known == .requestID ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE
                    unsafe lines.initializeElement(at: count, to: nghttp2_nv(
                        name: base + Int(entry.nameStart), value: base + Int(entry.valueStart),
                        namelen: Int(entry.nameLength), valuelen: Int(entry.valueLength), flags: UInt8(flags.rawValue)))
                    count += 1
                }
                return unsafe submit(section, stream, lines.baseAddress, count) == 0
            }
        }
    }

    private func submit(_ section: Section, _ stream: Int32, _ lines: UnsafePointer<nghttp2_nv>?, _ count: Int) -> Int32 {
        switch section {
        case .informational:
            return unsafe nghttp2_submit_headers(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, nil, lines, count, nil)
        case .trailers:
            return unsafe nghttp2_submit_trailer(session, stream, lines, count)
        case .response(endStream: true):
            return unsafe nghttp2_submit_response(session, stream, lines, count, nil)
        case .response(endStream: false):
            var provider = unsafe nghttp2_data_provider(source: nghttp2_data_source(fd: 0), read_callback: http2ReadBody)
            return unsafe nghttp2_submit_response(session, stream, lines, count, &provider)
        }
    }

    private func statusLine(_ status: UInt16) -> nghttp2_nv {
        let status = status > 999 || status < 100 ? 500 : status
        unsafe digits[0] = UInt8(truncatingIfNeeded: status / 100) &+ 0x30
        unsafe digits[1] = UInt8(truncatingIfNeeded: status / 10 % 10) &+ 0x30
        unsafe digits[2] = UInt8(truncatingIfNeeded: status % 10) &+ 0x30
        let name: StaticString = ":status"
        return unsafe nghttp2_nv(
            name: UnsafeMutablePointer(mutating: name.utf8Start), value: digits, namelen: name.utf8CodeUnitCount, valuelen: 3,
            flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue))
    }

    static func isConnectionSpecific(_ name: KnownField) -> Bool {
        switch name {
        case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade, .te, .http2Settings: true
        default: false
        }
    }

    func resume(_ stream: Int32) { _ = unsafe nghttp2_session_resume_data(session, stream) }

    func reset(_ stream: Int32, code: UInt32) {
        _ = unsafe nghttp2_submit_rst_stream(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, code)
    }

    /// Opens the stream's and the connection's window by `count`.
    func consume(_ stream: Int32, _ count: Int) { _ = unsafe nghttp2_session_consume(session, stream, count) }

    /// Sets the window of a stream, or of the connection (0), in bytes.
    func widen(_ stream: Int32, to size: Int) {
        _ = unsafe nghttp2_session_set_local_window_size(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, Int32(clamping: size))
    }

    func consumeConnection(_ count: Int) { _ = unsafe nghttp2_session_consume_connection(session, count) }

    /// Streams of one urgency share the way out, whatever their client says of it: a long download must not starve the others.
    func schedule(_ stream: Int32, urgency: UInt8) {
        var priority = nghttp2_extpri(urgency: UInt32(min(urgency, 7)), inc: 1)
        _ = unsafe nghttp2_session_change_extpri_stream_priority(session, stream, &priority, 1)
    }

    // MARK: the connection's end

    /// "Open no more streams": GOAWAY with the highest stream number, and a ping whose answer shows that the client has read it.
    func announceShutdown() {
        _ = unsafe nghttp2_submit_shutdown_notice(session)
        _ = unsafe nghttp2_submit_ping(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil)
    }

    /// GOAWAY after which the open streams still finish.
    func goAway(code: UInt32) {
        let last = unsafe nghttp2_session_get_last_proc_stream_id(session)
        _ = unsafe nghttp2_submit_goaway(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, code, nil, 0)
    }

    /// GOAWAY after which nothing more is read or sent.
    func terminate(code: UInt32) { _ = unsafe nghttp2_session_terminate_session(session, code) }
}
