import COpenSSL

/// What OpenSSL's callbacks look at: which certificate answers whom, which protocol is spoken, which keys seal tickets. A class, because they hold a
/// plain pointer to it; `TLSContext` keeps it alive, and each `TLSStream` its context.
@safe final class Selection {
    /// ALPN's wire form, in memory that stands still: OpenSSL is handed pointers into it.
    private let protocols: UnsafeMutableBufferPointer<UInt8>
    private var byName: [String: Int] = [:]
    /// A context for each certificate, and the digest of the certificate's chain.
    private(set) var contexts: [(handle: ContextHandle, digest: [UInt8])] = []
    var tickets: TicketKeys

    init(protocols: [String], tickets: TicketKeys) {
        let wire = protocols.flatMap { [UInt8(clamping: $0.utf8.count)] + $0.utf8 }
        unsafe self.protocols = .allocate(capacity: wire.count)
        _ = unsafe self.protocols.initialize(from: wire)
        self.tickets = tickets
    }

    deinit { unsafe protocols.deallocate() }

    func add(_ handle: ContextHandle, for certificate: CertificateMaterial) {
        for name in certificate.names where byName[name] == nil { byName[name] = contexts.count }
        contexts.append((handle, Self.digest(certificate.chainPEM)))
    }

    /// The first where no certificate covers the name.
    private func context(for host: String) -> (handle: ContextHandle, digest: [UInt8]) {
        if let index = byName[host] { return contexts[index] }
        guard let dot = host.firstIndex(of: "."), let index = byName["*" + host[dot...]] else { return contexts[0] }
        return contexts[index]
    }

    /// Has OpenSSL ask this selection about each connection of `context`.
    func watch(_ context: OpaquePointer) {
        let argument = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe SSL_CTX_set_ex_data(context, 0, argument)
        unsafe SSL_CTX_set_alpn_select_cb(context, { _, chosen, length, offered, count, argument in
            guard let argument = unsafe argument, let chosen = unsafe chosen, let length = unsafe length else { return SSL_TLSEXT_ERR_ALERT_FATAL }
            let own = unsafe Unmanaged<Selection>.fromOpaque(argument).takeUnretainedValue().protocols
            var picked: UnsafeMutablePointer<UInt8>?
            let result = unsafe SSL_select_next_proto(&picked, length, own.baseAddress, UInt32(own.count), offered, count)
            unsafe chosen.pointee = UnsafePointer(picked)
            return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL
        }, argument)
        unsafe SSL_CTX_set_client_hello_cb(context, { ssl, _, argument in
            guard let ssl = unsafe ssl, let argument = unsafe argument else { return SSL_CLIENT_HELLO_ERROR }
            unsafe Unmanaged<Selection>.fromOpaque(argument).takeUnretainedValue().bind(ssl)
            return SSL_CLIENT_HELLO_SUCCESS
        }, argument)
        _ = unsafe SSL_CTX_set_tlsext_ticket_key_evp_cb(context) { ssl, name, iv, cipher, mac, isNew in
            guard let ssl = unsafe ssl, let name = unsafe name, let iv = unsafe iv, let cipher = unsafe cipher, let mac = unsafe mac,
                let argument = unsafe SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0)
            else { return -1 }
            let tickets = unsafe Unmanaged<Selection>.fromOpaque(argument).takeUnretainedValue().tickets
            return unsafe isNew == 1 ? seal(tickets, name, iv, cipher, mac) : open(tickets, name, iv, cipher, mac, renews: SSL_version(ssl) == TLS1_3_VERSION)
        }
        unsafe SSL_CTX_set_info_callback(context) { ssl, what, _ in
            guard what & (SSL_CB_LOOP | SSL_CB_ALERT) != 0, let ssl = unsafe ssl, let argument = unsafe SSL_get_ex_data(ssl, 0) else { return }
            unsafe Unmanaged<TLSStream>.fromOpaque(argument).takeUnretainedValue().noteMessage()
        }
    }

    /// Picks the certificate by the name that the client asks for, and binds the session to both: a ticket that was given for one host, or under a
    /// certificate that was replaced, resumes nothing (RFC 8446 section 4.6.1). Before anything else of the client's hello is looked at, since
    /// tickets are opened before OpenSSL asks for a server's name.
    private func bind(_ ssl: OpaquePointer) {
        var bytes: UnsafePointer<UInt8>?
        var count = 0
        var host = ""
        if unsafe SSL_client_hello_get0_ext(ssl, UInt32(TLSEXT_TYPE_server_name), &bytes, &count) == 1 {
            host = unsafe Self.name(UnsafeBufferPointer(start: bytes, count: count))
        }
        let context = context(for: host)
        _ = unsafe SSL_set_SSL_CTX(ssl, context.handle.pointer)
        // The chain is long, and its digest does for it: this is done for every connection.
        let bound = Self.digest(context.digest + host.utf8)
        _ = unsafe SSL_set_session_id_context(ssl, bound, UInt32(bound.count))
    }

    private static func digest(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        _ = unsafe SHA256(bytes, bytes.count, &digest)
        return digest
    }

    /// The host in a server_name extension (RFC 6066 section 3), in lower case; empty where it is not as it must be, which OpenSSL will not let pass.
    private static func name(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        guard bytes.count > 5, unsafe bytes[2] == 0, unsafe Int(bytes[3]) << 8 | Int(bytes[4]) == bytes.count - 5 else { return "" }
        return unsafe String(decoding: bytes[5...], as: UTF8.self).lowercased()
    }
}

/// 1: sealed with the newest key; -1: it cannot be, and the connection fails.
private func seal(_ tickets: TicketKeys, _ name: UnsafeMutablePointer<UInt8>, _ iv: UnsafeMutablePointer<UInt8>, _ cipher: OpaquePointer, _ mac: OpaquePointer) -> Int32 {
    let key = tickets.current
    guard unsafe RAND_bytes(iv, 16) == 1 else { return -1 }
    for i in 0..<16 { unsafe name[i] = key.name[i] }
    return unsafe menwei_ticket_begin(cipher, mac, key.cipher, key.mac, iv, 1) == 1 ? 1 : -1
}

/// 1: opened; 2: opened, and the client is given a new one; 0: a whole handshake. In TLS 1.3 a client shows a ticket once only (RFC 8446 appendix C.4):
/// without a new one its next connection would begin with a whole handshake. The new one also acknowledges the client's last flight at once, so that
/// a client that waits for that before it goes on does not lose 40 ms.
private func open(
    _ tickets: TicketKeys, _ name: UnsafeMutablePointer<UInt8>, _ iv: UnsafeMutablePointer<UInt8>, _ cipher: OpaquePointer, _ mac: OpaquePointer, renews: Bool
) -> Int32 {
    guard let key = unsafe tickets.key(named: UnsafeBufferPointer(start: name, count: 16)) else { return 0 }
    guard unsafe menwei_ticket_begin(cipher, mac, key.cipher, key.mac, iv, 0) == 1 else { return -1 }
    return renews || key != tickets.current ? 2 : 1
}
