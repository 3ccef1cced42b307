public import Bytes
import COpenSSL
public import EventLoop
import Glibc

/// How a handshake stands.
public enum HandshakeProgress: Equatable, Sendable {
    case done
    case wantsRead
    case wantsWrite
    case failed
}

/// One TLS connection over a non-blocking descriptor that somebody else owns and watches. Owns its SSL.
@safe public final class TLSStream {
    private let ssl: OpaquePointer
    /// Its context, kept as long as OpenSSL may call back into it, also after newer certificates took its place.
    private let context: AnyObject
    /// What was negotiated; empty where the client offered nothing.
    public private(set) var negotiatedProtocol = ""
    /// Why the handshake failed.
    public private(set) var failure = ""
    private var established = false
    private var broken = false
    private var messages = 0
    /// The socket was told that more follows what is written.
    private var tellsOfMore = false
    /// Bytes of a record at the most (RFC 8446 section 5.1).
    private static let recordLimit = 16 << 10

    /// Steps of OpenSSL's state machine that a client may cause after its handshake, some five for each message: keys are renewed after 2²⁴ records, by those
    /// clients that do it at all. More is a flood that costs key derivations and no byte of a request (RFC 8446 section 4.6.3).
    static let messageLimit = 250

    /// Nil where OpenSSL has no memory for it.
    public init?(server context: TLSContext, over descriptor: borrowing Descriptor) {
        guard let ssl = unsafe context.makeSSL(over: descriptor.raw) else { return nil }
        unsafe self.ssl = ssl
        self.context = context
        _ = unsafe SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Towards a server whose certificate is verified: for the name that the context was made for, and by its authorities. Nil where OpenSSL has no
    /// memory for it.
    public init?(client context: TLSClientContext, over descriptor: borrowing Descriptor) {
        guard let ssl = unsafe context.makeSSL(over: descriptor.raw) else { return nil }
        unsafe self.ssl = ssl
        self.context = context
    }

    deinit { unsafe SSL_free(ssl) }

    /// Goes on with the handshake as far as the socket lets it.
    public func handshake() -> HandshakeProgress {
        ERR_clear_error()
        let result = unsafe SSL_do_handshake(ssl)
        if result == 1 {
            established = true
            var name: UnsafePointer<UInt8>?
            var length: UInt32 = 0
            unsafe SSL_get0_alpn_selected(ssl, &name, &length)
            if let name = unsafe name {
                negotiatedProtocol = unsafe String(decoding: UnsafeBufferPointer(start: name, count: Int(length)), as: UTF8.self)
            }
            return .done
        }
        switch unsafe SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: return .wantsRead
        case SSL_ERROR_WANT_WRITE: return .wantsWrite
        default:
            broken = true
            failure = reason()
            return .failed
        }
    }

    /// The cause of a failed handshake, in OpenSSL's words. The peer chooses among them, and adds none of its own.
    private func reason() -> String {
        let verdict = unsafe SSL_get_verify_result(ssl)
        let error = TLSError.last(.handshake)
        guard verdict != Int(X509_V_OK), let text = unsafe X509_verify_cert_error_string(verdict) else { return error.reason }
        return unsafe String(cString: text)
    }

    /// Whether the handshake resumed an earlier session.
    public var isResumed: Bool { unsafe SSL_session_reused(ssl) == 1 }

    /// Reads into `queue` after making room for `minimum` bytes. Nothing more need be read from the socket for bytes that lie decrypted
    /// already: read until `.wouldBlock`, or remember `hasPending`.
    public func read(into queue: inout ByteQueue, minimum: Int) -> Transfer {
        Self.forgetErrors()
        var count = 0
        var result: Int32 = 0
        let moved = unsafe queue.fill(minimum: minimum) { room in
            result = unsafe SSL_read_ex(ssl, room.baseAddress, room.count, &count)
            return result == 1 ? count : 0
        }
        if broken { return .failed(0) }
        return result == 1 ? .moved(moved) : outcome(of: result)
    }

    /// Writes as much of `bytes` as one record and the socket take. Whoever has more than a record goes on until all is written or the socket takes no
    /// more: until then the kernel may keep what it has, so that it sends few large segments and not one after each record.
    public func write(_ bytes: Span<UInt8>) -> Transfer {
        if broken { return .failed(0) }
        Self.forgetErrors()
        let isFollowed = bytes.count > Self.recordLimit
        if isFollowed != tellsOfMore {
            tellsOfMore = isFollowed
            unsafe menwei_BIO_set_more(SSL_get_wbio(ssl), isFollowed ? 1 : 0)
        }
        var count = 0
        let result = unsafe bytes.withUnsafeBytes { unsafe SSL_write_ex(ssl, $0.baseAddress, $0.count, &count) }
        return result == 1 ? .moved(count) : outcome(of: result)
    }

    /// What others left in this thread's queue of errors would be taken for this connection's (SSL_get_error(3)).
    private static func forgetErrors() { if ERR_peek_error() != 0 { ERR_clear_error() } }

    /// Whether bytes lie inside OpenSSL that no readiness of the socket will tell of.
    public var hasPending: Bool { unsafe SSL_has_pending(ssl) == 1 }

    /// Sends close_notify, so that the client knows that nothing was cut off.
    public func shutdown() {
        if established && !broken {
            _ = unsafe SSL_shutdown(ssl)
            ERR_clear_error()
        }
    }

    /// A message of the handshake protocol, or an alert, came or went. After the handshake few have a reason: what floods is cut off at the socket, since
    /// OpenSSL reads on as long as there is something.
    func noteMessage() {
        guard established else { return }
        messages += 1
        if messages > Self.messageLimit, !broken {
            broken = true
            _ = unsafe Glibc.shutdown(SSL_get_fd(ssl), Int32(SHUT_RDWR))
        }
    }

    private func outcome(of result: Int32) -> Transfer {
        switch unsafe SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wouldBlock
        case SSL_ERROR_ZERO_RETURN: return .ended
        default:
            // After a fatal error the SSL must not be written to again, not even to say goodbye.
            broken = true
            ERR_clear_error()
            return .failed(0)
        }
    }
}
