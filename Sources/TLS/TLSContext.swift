import COpenSSL

/// One worker's server side of TLS: an SSL_CTX per certificate, the one to use picked by SNI. Belongs to one thread: sharing it would mean
/// sharing OpenSSL's reference counts and locks.
public final class TLSContext {
    private let contexts: [ContextHandle]
    private let selection: Selection

    public init(_ options: TLSOptions) throws(TLSError) {
        let selection = Selection(protocols: options.protocols, tickets: options.tickets)
        for certificate in options.certificates { selection.add(try ContextHandle(certificate, options, selection), for: certificate) }
        if selection.contexts.isEmpty { throw TLSError(.certificate, "no certificate") }
        contexts = selection.contexts.map(\.handle)
        self.selection = selection
    }

    /// Seals and opens tickets with these keys from now on.
    public func replace(tickets: TicketKeys) { selection.tickets = tickets }

    /// A new connection over `descriptor`, which stays the caller's.
    func makeSSL(over descriptor: Int32) -> OpaquePointer? {
        guard let ssl = unsafe SSL_new(contexts[0].pointer) else { return nil }
        guard let socket = unsafe menwei_BIO_new_socket(descriptor) else {
            unsafe SSL_free(ssl)
            return nil
        }
        unsafe SSL_set_bio(ssl, socket, socket)
        unsafe SSL_set_accept_state(ssl)
        return unsafe ssl
    }
}

/// Owns one SSL_CTX.
@safe final class ContextHandle {
    let pointer: OpaquePointer

    init(_ certificate: CertificateMaterial, _ options: TLSOptions, _ selection: Selection) throws(TLSError) {
        guard let context = unsafe SSL_CTX_new(TLS_server_method()) else { throw TLSError.last(.context) }
        unsafe pointer = context
        try load(certificate)
        try harden(options)
        unsafe selection.watch(context)
    }

    deinit { unsafe SSL_CTX_free(pointer) }

    private func load(_ certificate: CertificateMaterial) throws(TLSError) { try unsafe certificate.use(in: pointer) }

    private func harden(_ options: TLSOptions) throws(TLSError) {
        let minimum = options.minimumVersion == .tls13 ? TLS1_3_VERSION : TLS1_2_VERSION
        guard unsafe menwei_SSL_CTX_set_min_proto_version(pointer, minimum) == 1 else { throw TLSError.last(.context) }
        _ = unsafe SSL_CTX_set_options(pointer, menwei_server_options())
        // ECDHE with AEAD alone; TLS 1.3 has nothing else. The 128-bit ciphers first, as strong as the P-256 and X25519 they are used with: their
        // handshakes hash with SHA-256, for which processors have instructions, and a record takes ten rounds instead of fourteen.
        let suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
        guard unsafe SSL_CTX_set_ciphersuites(pointer, suites) == 1 else { throw TLSError.last(.context) }
        let ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
            + "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
        guard unsafe SSL_CTX_set_cipher_list(pointer, ciphers) == 1 else { throw TLSError.last(.context) }
        guard unsafe menwei_SSL_CTX_set1_groups_list(pointer, "X25519:P-256:P-384") == 1 else { throw TLSError.last(.context) }
        let modes = SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS
        _ = unsafe menwei_SSL_CTX_set_mode(pointer, Int(modes))
        unsafe menwei_SSL_CTX_set_read_ahead(pointer, 1)
        // Resumption by tickets alone: no cache to grow, any worker can resume.
        _ = unsafe menwei_SSL_CTX_set_session_cache_mode(pointer, Int(SSL_SESS_CACHE_OFF))
        // One ticket a handshake: clients keep the newest.
        _ = unsafe SSL_CTX_set_num_tickets(pointer, 1)
        _ = unsafe SSL_CTX_set_max_early_data(pointer, 0)
        // What a client did not ask for by name; `Selection.bind` replaces it.
        let context = Array("menwei".utf8)
        _ = unsafe SSL_CTX_set_session_id_context(pointer, context, UInt32(context.count))
    }
}
