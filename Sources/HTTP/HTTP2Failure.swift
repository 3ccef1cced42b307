import CNghttp2

extension HTTP2Engine {
    /// Why nghttp2 cannot go on with a connection.
    static func fault(_ error: Int) -> ProtocolFault {
        switch Int32(clamping: error) {
        case NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue: ProtocolFault("h2-preface")
        case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue: HTTP2Inbox.hugeHead
        case NGHTTP2_ERR_FLOODED.rawValue: HTTP2Inbox.flood
        case NGHTTP2_ERR_NOMEM.rawValue: ProtocolFault("h2-internal", status: 500)
        default: ProtocolFault("h2-protocol")
        }
    }

    /// The bound that nghttp2 guards, where it cannot go on for that.
    static func abuse(_ error: Int) -> HTTP2Abuse? {
        switch Int32(clamping: error) {
        case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue: .continuations
        case NGHTTP2_ERR_FLOODED.rawValue: .unreadFrames
        default: nil
        }
    }

    /// What GOAWAY tells the client.
    static func code(_ fault: ProtocolFault) -> UInt32 {
        switch fault {
        case HTTP2Inbox.hugeHead, HTTP2Inbox.flood: HTTP2ErrorCode.enhanceYourCalm
        case HTTP2Inbox.closedStream: HTTP2ErrorCode.streamClosed
        case let fault where fault.status == 500: HTTP2ErrorCode.internalError
        default: HTTP2ErrorCode.protocolError
        }
    }
}
