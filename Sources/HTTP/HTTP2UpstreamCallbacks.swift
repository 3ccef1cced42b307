import Bytes
import CNghttp2

// nghttp2's callbacks for a session with an upstream: each turns its C arguments into one call of the inbox. They are the only code that runs inside nghttp2.

private typealias Inbox = UnsafeMutablePointer<HTTP2UpstreamInbox>

private func inbox(_ data: UnsafeMutableRawPointer?) -> Inbox {
    unsafe data.unsafelyUnwrapped.assumingMemoryBound(to: HTTP2UpstreamInbox.self)
}

private let proceed: Int32 = 0
private let failStream = NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue

private let typeData = UInt8(NGHTTP2_DATA.rawValue)
private let typeHeaders = UInt8(NGHTTP2_HEADERS.rawValue)
private let flagEndStream = UInt8(NGHTTP2_FLAG_END_STREAM.rawValue)
private let flagAck = UInt8(NGHTTP2_FLAG_ACK.rawValue)

/// Fills in the callbacks of a session with an upstream.
func setHTTP2UpstreamCallbacks(_ callbacks: OpaquePointer?) {
    unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, _, data in
        unsafe inbox(data).pointee.builder.begin()
        return proceed
    }
    unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks, onHeader)
    // Without this one nghttp2 leaves out fields with forbidden bytes and serves the rest.
    unsafe nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks) { _, _, _, _, _, _, _, _ in failStream }
    unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, onData)
    unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, onFrame)
    unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, onSent)
    unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, stream, code, data in
        unsafe inbox(data).pointee.close(stream, code: code)
        return proceed
    }
    unsafe nghttp2_session_callbacks_set_send_data_callback(callbacks, onSendData)
}

private let onHeader: nghttp2_on_header_callback = { _, _, name, nameLength, value, valueLength, _, data in
    let name = unsafe Span(_unsafeElements: UnsafeBufferPointer(start: name, count: nameLength))
    let value = unsafe Span(_unsafeElements: UnsafeBufferPointer(start: value, count: valueLength))
    return unsafe inbox(data).pointee.builder.add(name: name, value: value) ? proceed : failStream
}

private let onData: nghttp2_on_data_chunk_recv_callback = { _, _, stream, bytes, count, data in
    let inbox = unsafe inbox(data)
    let offset = unsafe bytes.unsafelyUnwrapped - inbox.pointee.input.unsafelyUnwrapped
    unsafe inbox.pointee.data(stream, offset: offset, count: count)
    return proceed
}

private let onFrame: nghttp2_on_frame_recv_callback = { _, frame, data in
    let frame = unsafe frame.unsafelyUnwrapped
    let inbox = unsafe inbox(data)
    let header = unsafe frame.pointee.hd
    let endStream = header.flags & flagEndStream != 0
    switch header.type {
    case typeHeaders:
        // The first block of an answer, interim ones too, has another category than what comes after them; only the status tells heads from trailers.
        let isTrailers = unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_HEADERS && !inbox.pointee.builder.hasStatus
        unsafe inbox.pointee.endBlock(header.stream_id, isTrailers: isTrailers, endStream: endStream)
    case typeData:
        if endStream { unsafe inbox.pointee.end(header.stream_id) }
    case UInt8(NGHTTP2_SETTINGS.rawValue):
        if header.flags & flagAck == 0, unsafe !inbox.pointee.isReady {
            unsafe inbox.pointee.isReady = true
            unsafe inbox.pointee.events.append(.ready)
        }
    case UInt8(NGHTTP2_GOAWAY.rawValue): unsafe inbox.pointee.goesAway = true
    default: break
    }
    return proceed
}

private let onSent: nghttp2_on_frame_send_callback = { _, frame, data in
    let header = unsafe frame.unsafelyUnwrapped.pointee.hd
    if header.type == typeHeaders { unsafe inbox(data).pointee.streams[header.stream_id]?.isSent = true }
    return proceed
}

/// Says how much of a stream's queue the next DATA frame takes. The bytes themselves are moved by `onSendData`, once, straight to the output.
let http2ReadRequestBody: nghttp2_data_source_read_callback = { _, id, _, limit, flags, _, data in
    let inbox = unsafe inbox(data)
    guard let stream = unsafe inbox.pointee.streams[id] else { return Int(failStream) }
    let flags = unsafe flags.unsafelyUnwrapped
    let waiting = stream.queue.count
    if waiting == 0 && !stream.isFinished {
        stream.isDeferred = true
        return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    }
    let count = min(waiting, limit)
    unsafe flags.pointee = NGHTTP2_DATA_FLAG_NO_COPY.rawValue
    if stream.isFinished && count == waiting {
        unsafe flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
        if stream.trailers != nil {
            unsafe flags.pointee |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
            unsafe inbox.pointee.trailersDue.append(id)
        }
    }
    return count
}

private let onSendData: nghttp2_send_data_callback = { _, frame, frameHeader, count, _, data in
    let id = unsafe frame.unsafelyUnwrapped.pointee.hd.stream_id
    let inbox = unsafe inbox(data)
    guard let stream = unsafe inbox.pointee.streams[id] else { return failStream }
    unsafe inbox.pointee.move(stream, id, count: count, header: Span(_unsafeElements: UnsafeBufferPointer(start: frameHeader, count: 9)))
    return proceed
}
