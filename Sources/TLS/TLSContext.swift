import COpenSSL

/// What a worker's TLS endpoint offers.
public struct TLSOptions: Sendable, Equatable {
    public enum Version: Sendable { case tls12, tls13 }
    /// At least one; the first answers clients that name no host, or one that none covers.
    public var certificates: [CertificateMaterial]
    public var minimumVersion = Version.tls12
    /// In order of preference. A client that offers protocols but none of these is refused (RFC 7301, ALPACA).
    public var protocols = ["h2", "http/1.1"]
    /// 80 random bytes shared by all workers, so that a session begun with one resumes with any.
    public var ticketKeys: [UInt8]

    public init(certificates: [CertificateMaterial], ticketKeys: [UInt8]) {
        self.certificates = certificates
        self.ticketKeys = ticketKeys
    }
}

/// One worker's server side of TLS: an SSL_CTX per certificate, the one to use picked by SNI. Belongs to one thread: sharing it would mean
/// sharing OpenSSL's reference counts and locks.
public final class TLSContext {
    private let contexts: [ContextHandle]
    private let selection: Selection

    /// What OpenSSL's callbacks look at. A class, because they hold a plain pointer to it.
    @safe fileprivate final class Selection {
        /// ALPN's wire form, in memory that stands still: OpenSSL is handed pointers into it.
        let protocols: UnsafeMutableBufferPointer<UInt8>
        var byName: [String: Int] = [:]
        var contexts: [ContextHandle] = []

        init(protocols: [String]) {
            let wire = protocols.flatMap { [UInt8(clamping: $0.utf8.count)] + $0.utf8 }
            unsafe self.protocols = .allocate(capacity: wire.count)
            _ = unsafe self.protocols.initialize(from: wire)
        }

        deinit { unsafe protocols.deallocate() }

        func context(for host: String) -> ContextHandle? {
            if let index = byName[host] { return contexts[index] }
            guard let dot = host.firstIndex(of: "."), let index = byName["*" + host[dot...]] else { return nil }
            return contexts[index]
        }
    }

    public init(_ options: TLSOptions) throws(TLSError) {
        let selection = Selection(protocols: options.protocols)
        var contexts: [ContextHandle] = []
        for certificate in options.certificates {
            let context = try ContextHandle(certificate, options, selection)
            for name in certificate.names where selection.byName[name] == nil { selection.byName[name] = contexts.count }
            contexts.append(context)
        }
        if contexts.isEmpty { throw TLSError(.certificate, "no certificate") }
        selection.contexts = contexts
        self.contexts = contexts
        self.selection = selection
    }

    /// A new connection over `descriptor`, which stays the caller's.
    func makeSSL(over descriptor: Int32) -> OpaquePointer? {
        guard let ssl = unsafe SSL_new(contexts[0].pointer) else { return nil }
        if unsafe SSL_set_fd(ssl, descriptor) != 1 {
            unsafe SSL_free(ssl)
            return nil
        }
        unsafe SSL_set_accept_state(ssl)
        return unsafe ssl
    }
}

/// Owns one SSL_CTX.
@safe private final class ContextHandle {
    let pointer: OpaquePointer

    init(_ certificate: CertificateMaterial, _ options: TLSOptions, _ selection: TLSContext.Selection) throws(TLSError) {
        guard let context = unsafe SSL_CTX_new(TLS_server_method()) else { throw TLSError.last(.context) }
        unsafe pointer = context
        try load(certificate)
        try harden(options)
        let argument = unsafe Unmanaged.passUnretained(selection).toOpaque()
        unsafe SSL_CTX_set_alpn_select_cb(context, { _, chosen, length, offered, count, argument in
            guard let argument = unsafe argument, let chosen = unsafe chosen, let length = unsafe length else { return SSL_TLSEXT_ERR_ALERT_FATAL }
            let own = unsafe Unmanaged<TLSContext.Selection>.fromOpaque(argument).takeUnretainedValue().protocols
            var picked: UnsafeMutablePointer<UInt8>?
            let result = unsafe SSL_select_next_proto(&picked, length, own.baseAddress, UInt32(own.count), offered, count)
            unsafe chosen.pointee = UnsafePointer(picked)
            return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL
        }, argument)
        _ = unsafe menwei_SSL_CTX_set_tlsext_servername_callback(context) { ssl, _, argument in
            guard let ssl = unsafe ssl, let argument = unsafe argument else { return SSL_TLSEXT_ERR_NOACK }
            guard let name = unsafe SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) else { return SSL_TLSEXT_ERR_NOACK }
            let host = unsafe String(cString: name).lowercased()
            let selection = unsafe Unmanaged<TLSContext.Selection>.fromOpaque(argument).takeUnretainedValue()
            if let context = selection.context(for: host) { _ = unsafe SSL_set_SSL_CTX(ssl, context.pointer) }
            return SSL_TLSEXT_ERR_OK
        }
        _ = unsafe menwei_SSL_CTX_set_tlsext_servername_arg(context, argument)
    }

    deinit { unsafe SSL_CTX_free(pointer) }

    private func load(_ certificate: CertificateMaterial) throws(TLSError) { try unsafe certificate.use(in: pointer) }

    private func harden(_ options: TLSOptions) throws(TLSError) {
        let minimum = options.minimumVersion == .tls13 ? TLS1_3_VERSION : TLS1_2_VERSION
        guard unsafe menwei_SSL_CTX_set_min_proto_version(pointer, minimum) == 1 else { throw TLSError.last(.context) }
        _ = unsafe SSL_CTX_set_options(pointer, menwei_server_options())
        // ECDHE with AEAD alone; TLS 1.3 has nothing else.
        let ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
            + "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
        guard unsafe SSL_CTX_set_cipher_list(pointer, ciphers) == 1 else { throw TLSError.last(.context) }
        guard unsafe menwei_SSL_CTX_set1_groups_list(pointer, "X25519:P-256:P-384") == 1 else { throw TLSError.last(.context) }
        let modes = SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS
        _ = unsafe menwei_SSL_CTX_set_mode(pointer, Int(modes))
        unsafe menwei_SSL_CTX_set_read_ahead(pointer, 1)
        // Resumption by tickets alone: no cache to grow, any worker can resume.
        _ = unsafe menwei_SSL_CTX_set_session_cache_mode(pointer, Int(SSL_SESS_CACHE_OFF))
        var keys = options.ticketKeys
        guard unsafe menwei_SSL_CTX_set_tlsext_ticket_keys(pointer, &keys, Int(keys.count)) == 1 else { throw TLSError.last(.context) }
        // One ticket a handshake: clients keep the newest.
        _ = unsafe SSL_CTX_set_num_tickets(pointer, 1)
        _ = unsafe SSL_CTX_set_max_early_data(pointer, 0)
        let context = Array("menwei".utf8)
        _ = unsafe SSL_CTX_set_session_id_context(pointer, context, UInt32(context.count))
    }
}
