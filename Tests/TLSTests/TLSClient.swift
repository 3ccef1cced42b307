import COpenSSL
import EventLoop
import Glibc

@testable import TLS

/// The other side of a handshake: OpenSSL's client over one end of a socket pair, moved on in turns with the server.
final class TLSClient {
    let context: OpaquePointer
    let ssl: OpaquePointer

    /// `protocols`: offered by ALPN; none where empty. `session`: one of an earlier client to resume.
    init(over descriptor: Int32, host: String?, protocols: [String] = [], version: Int32 = TLS1_3_VERSION, session: OpaquePointer? = nil) {
        context = SSL_CTX_new(TLS_client_method())
        _ = menwei_SSL_CTX_set_max_proto_version(context, version)
        ssl = SSL_new(context)
        SSL_set_fd(ssl, descriptor)
        SSL_set_connect_state(ssl)
        if let host { _ = menwei_SSL_set_tlsext_host_name(ssl, host) }
        if !protocols.isEmpty {
            let wire = protocols.flatMap { [UInt8($0.utf8.count)] + $0.utf8 }
            SSL_set_alpn_protos(ssl, wire, UInt32(wire.count))
        }
        if let session { SSL_set_session(ssl, session) }
    }

    deinit {
        SSL_free(ssl)
        SSL_CTX_free(context)
    }

    func step() -> HandshakeProgress {
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        if result == 1 { return .done }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: return .wantsRead
        case SSL_ERROR_WANT_WRITE: return .wantsWrite
        default: return .failed
        }
    }

    /// The common name of the certificate that the server showed.
    var serverName: String {
        guard let certificate = SSL_get1_peer_certificate(ssl), let subject = X509_get_subject_name(certificate) else { return "" }
        defer { X509_free(certificate) }
        var text = [CChar](repeating: 0, count: 256)
        X509_NAME_get_text_by_NID(subject, NID_commonName, &text, 256)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func send(_ text: String) -> Int {
        var count = 0
        return SSL_write_ex(ssl, text, text.utf8.count, &count) == 1 ? count : -1
    }

    /// What has come; empty where nothing has.
    func receive() -> String {
        var bytes = [UInt8](repeating: 0, count: 65536)
        var count = 0
        return SSL_read_ex(ssl, &bytes, bytes.count, &count) == 1 ? String(decoding: bytes.prefix(count), as: UTF8.self) : ""
    }

    var isResumed: Bool { SSL_session_reused(ssl) == 1 }
    /// To be freed by the caller.
    var session: OpaquePointer? { SSL_get1_session(ssl) }
}

/// A client and a server over a socket pair.
final class Pair {
    let client: TLSClient
    let server: TLSStream
    let clientEnd: Descriptor
    let serverEnd: Descriptor

    init(_ context: TLSContext, host: String?, protocols: [String] = [], version: Int32 = TLS1_3_VERSION, session: OpaquePointer? = nil) throws {
        var ends: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0, &ends) == 0 else {
            throw SystemError("socketpair", errno: errno)
        }
        clientEnd = Descriptor(owning: ends[0])
        serverEnd = Descriptor(owning: ends[1])
        server = TLSStream(server: context, over: serverEnd)!
        client = TLSClient(over: clientEnd.raw, host: host, protocols: protocols, version: version, session: session)
    }

    /// Takes turns until both are done, or one failed.
    func shakeHands() -> (client: HandshakeProgress, server: HandshakeProgress) {
        var (client, server) = (HandshakeProgress.wantsRead, HandshakeProgress.wantsRead)
        for _ in 0..<20 {
            if client != .done { client = self.client.step() }
            if server != .done { server = self.server.handshake() }
            if client == .failed || server == .failed || (client == .done && server == .done) { break }
        }
        return (client, server)
    }
}
