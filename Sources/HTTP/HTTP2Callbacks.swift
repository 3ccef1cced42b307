import Bytes
import CNghttp2

// nghttp2's callbacks: each turns its C arguments into one call of the inbox. They are the only code that runs inside nghttp2.

private typealias Inbox = UnsafeMutablePointer<HTTP2Inbox>

private func inbox(_ data: UnsafeMutableRawPointer?) -> Inbox {
    unsafe data.unsafelyUnwrapped.assumingMemoryBound(to: HTTP2Inbox.self)
}

/// The place of a stream, kept as its user data, one higher so that null means none.
func http2Index(_ session: OpaquePointer?, _ stream: Int32, _ inbox: UnsafeMutablePointer<HTTP2Inbox>) -> Int? {
    let data = unsafe nghttp2_session_get_stream_user_data(session, stream)
    let bits = UInt(bitPattern: data)
    guard bits != 0, unsafe inbox.pointee.streams[Int(bits) - 1].id == stream else { return nil }
    return Int(bits) - 1
}

private let proceed: Int32 = 0
private let fail = NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
private let failStream = NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue

private let typeData = UInt8(NGHTTP2_DATA.rawValue)
private let typeHeaders = UInt8(NGHTTP2_HEADERS.rawValue)
private let typePing = UInt8(NGHTTP2_PING.rawValue)
private let typeReset = UInt8(NGHTTP2_RST_STREAM.rawValue)
private let flagEndStream = UInt8(NGHTTP2_FLAG_END_STREAM.rawValue)
private let flagAck = UInt8(NGHTTP2_FLAG_ACK.rawValue)

/// Fills in the callbacks of a server's session.
func setHTTP2Callbacks(_ callbacks: OpaquePointer?) {
    unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, onBeginHeaders)
    unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks, onHeader)
    // Without this one nghttp2 leaves out fields with forbidden bytes and serves the rest.
    unsafe nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks) { _, _, _, _, _, _, _, _ in failStream }
    unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, onData)
    unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, onFrame)
    unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, onInvalidFrame)
    unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, onSent)
    unsafe nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, onNotSent)
    unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, onClose)
    unsafe nghttp2_session_callbacks_set_unpack_extension_callback(callbacks) { _, _, _, _ in NGHTTP2_ERR_CANCEL.rawValue }
    unsafe nghttp2_session_callbacks_set_send_data_callback(callbacks, onSendData)
}

private let onBeginHeaders: nghttp2_on_begin_headers_callback = { session, frame, data in
    let frame = unsafe frame.unsafelyUnwrapped
    let inbox = unsafe inbox(data)
    let stream = unsafe frame.pointee.hd.stream_id
    guard unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST else {
        unsafe inbox.pointee.beginTrailers(http2Index(session, stream, inbox))
        return proceed
    }
    let index = unsafe inbox.pointee.beginRequest(stream)
    // nghttp2's manual names this as the place to set it.
    return unsafe nghttp2_session_set_stream_user_data(session, stream, UnsafeMutableRawPointer(bitPattern: index + 1)) == 0 ? proceed : fail
}

private let onHeader: nghttp2_on_header_callback = { _, _, name, nameLength, value, valueLength, _, data in
    let inbox = unsafe inbox(data)
    let name = unsafe Span(_unsafeElements: UnsafeBufferPointer(start: name, count: nameLength))
    let value = unsafe Span(_unsafeElements: UnsafeBufferPointer(start: value, count: valueLength))
    if unsafe inbox.pointee.builder.add(name: name, value: value) { return proceed }
    unsafe inbox.pointee.fail(.headBytes, HTTP2Inbox.hugeHead)
    return fail
}

private let onData: nghttp2_on_data_chunk_recv_callback = { session, _, stream, bytes, count, data in
    let inbox = unsafe inbox(data)
    let offset = unsafe bytes.unsafelyUnwrapped - inbox.pointee.input.unsafelyUnwrapped
    if let index = unsafe http2Index(session, stream, inbox) {
        unsafe inbox.pointee.data(index, offset: offset, count: count)
    } else {
        unsafe inbox.pointee.owed &+= count
    }
    return proceed
}

private let onFrame: nghttp2_on_frame_recv_callback = { session, frame, data in
    let frame = unsafe frame.unsafelyUnwrapped
    let inbox = unsafe inbox(data)
    let header = unsafe frame.pointee.hd
    let endStream = header.flags & flagEndStream != 0
    switch header.type {
    case typeHeaders:
        if unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST {
            unsafe inbox.pointee.endRequest(endStream: endStream)
        } else if endStream {
            unsafe inbox.pointee.endTrailers()
        }
    case typeData:
        if endStream, let index = unsafe http2Index(session, header.stream_id, inbox) { unsafe inbox.pointee.endData(index) }
    case typeReset:
        if let index = unsafe http2Index(session, header.stream_id, inbox) { unsafe inbox.pointee.streams[index].clientReset = true }
    case typePing:
        if header.flags & flagAck != 0 { unsafe inbox.pointee.drainAcknowledged = true }
    case UInt8(NGHTTP2_GOAWAY.rawValue): unsafe inbox.pointee.clientGoesAway = true
    default: break
    }
    return unsafe inbox.pointee.failure == nil ? proceed : fail
}

/// A stream above the limit is refused without having been one (RFC 9113 section 5.1.2): counted here and not when the refusal is sent, since a
/// client that reads nothing could pile them up.
private let onInvalidFrame: nghttp2_on_invalid_frame_recv_callback = { _, frame, code, data in
    let header = unsafe frame.unsafelyUnwrapped.pointee.hd
    guard header.type == typeHeaders, code == NGHTTP2_ERR_REFUSED_STREAM.rawValue else { return proceed }
    let inbox = unsafe inbox(data)
    unsafe inbox.pointee.history.wasCut(header.stream_id)
    unsafe inbox.pointee.spend(.ownReset)
    return proceed
}

private let onSent: nghttp2_on_frame_send_callback = { session, frame, data in
    let header = unsafe frame.unsafelyUnwrapped.pointee.hd
    let inbox = unsafe inbox(data)
    if header.type == typeReset {
        guard let index = unsafe http2Index(session, header.stream_id, inbox) else { return proceed }
        if unsafe !inbox.pointee.streams[index].isReset { unsafe inbox.pointee.spend(.ownReset) }
    } else if header.flags & flagEndStream != 0, header.type == typeData || header.type == typeHeaders,
        let index = unsafe http2Index(session, header.stream_id, inbox) {
        unsafe inbox.pointee.responseEnded(index)
    }
    return proceed
}

private let onNotSent: nghttp2_on_frame_not_send_callback = { session, frame, _, data in
    let header = unsafe frame.unsafelyUnwrapped.pointee.hd
    // A head that cannot be sent (too large for HPACK's buffer) would leave the client waiting for ever.
    let inbox = unsafe inbox(data)
    if header.type == typeHeaders, let index = unsafe http2Index(session, header.stream_id, inbox) {
        if unsafe !inbox.pointee.streams[index].isReset {
            unsafe inbox.pointee.resets.append((header.stream_id, HTTP2ErrorCode.internalError))
        }
    }
    return proceed
}

private let onClose: nghttp2_on_stream_close_callback = { session, stream, code, data in
    let inbox = unsafe inbox(data)
    if let index = unsafe http2Index(session, stream, inbox) { unsafe inbox.pointee.close(index, code: code) }
    return proceed
}

/// Says how much of a stream's queue the next DATA frame takes. The bytes themselves are moved by `onSendData`, once, straight to the output.
let http2ReadBody: nghttp2_data_source_read_callback = { session, stream, _, limit, flags, _, data in
    let inbox = unsafe inbox(data)
    guard let index = unsafe http2Index(session, stream, inbox) else { return Int(failStream) }
    let flags = unsafe flags.unsafelyUnwrapped
    let waiting = unsafe inbox.pointee.streams[index].queue.count
    let isFinished = unsafe inbox.pointee.streams[index].isFinished
    if waiting == 0 && !isFinished {
        unsafe inbox.pointee.streams[index].isDeferred = true
        return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    }
    let count = min(waiting, limit)
    unsafe flags.pointee = NGHTTP2_DATA_FLAG_NO_COPY.rawValue
    if isFinished && count == waiting {
        unsafe flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
        if unsafe inbox.pointee.streams[index].trailers != nil {
            unsafe flags.pointee |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
            unsafe inbox.pointee.trailersDue.append(stream)
        }
    }
    return count
}

private let onSendData: nghttp2_send_data_callback = { session, frame, frameHeader, count, _, data in
    let frame = unsafe frame.unsafelyUnwrapped
    let inbox = unsafe inbox(data)
    guard let index = unsafe http2Index(session, frame.pointee.hd.stream_id, inbox) else { return failStream }
    unsafe inbox.pointee.move(index, count: count, header: Span(_unsafeElements: UnsafeBufferPointer(start: frameHeader, count: 9)))
    return proceed
}
