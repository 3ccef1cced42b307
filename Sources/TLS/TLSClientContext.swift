import COpenSSL

/// How a gateway speaks TLS to one server.
public struct TLSClientOptions: Sendable, Equatable {
    /// The name that the server's certificate must be good for, and that SNI carries: a DNS name, or an IP literal (compared with the
    /// certificate's addresses, and not sent).
    public var serverName: String
    /// Certificates (PEM) of the authorities that are believed; nil: those of the system.
    public var authoritiesPEM: [UInt8]?
    /// What the gateway shows of itself where it is asked; nil: nothing.
    public var certificate: CertificateMaterial?

    public init(serverName: String, authoritiesPEM: [UInt8]? = nil, certificate: CertificateMaterial? = nil) {
        self.serverName = serverName
        self.authoritiesPEM = authoritiesPEM
        self.certificate = certificate
    }

    /// How many certificates a PEM text holds; nil where one of them cannot be used.
    public static func countAuthorities(pem: [UInt8]) -> Int? { unsafe CertificateList.forEach(in: pem) { _, _ in true } }
}

/// One worker's client side of TLS towards one server: TLS 1.2 or newer, the peer always verified, the last session kept to be resumed. Belongs to one
/// thread.
@safe public final class TLSClientContext {
    private let pointer: OpaquePointer
    private let serverName: String
    private let isAddress: Bool
    /// The newest session that the server gave.
    private var session: OpaquePointer?

    /// - Parameter protocols: what is offered by ALPN, in order of preference.
    public init(_ options: TLSClientOptions, protocols: [String]) throws(TLSError) {
        guard let context = unsafe SSL_CTX_new(TLS_client_method()) else { throw TLSError.last(.context) }
        unsafe pointer = context
        serverName = options.serverName
        isAddress = Self.isAddress(options.serverName)
        unsafe session = nil
        guard unsafe menwei_SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 else { throw TLSError.last(.context) }
        _ = unsafe SSL_CTX_set_options(context, menwei_client_options())
        let modes = SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS
        _ = unsafe menwei_SSL_CTX_set_mode(context, Int(modes))
        unsafe menwei_SSL_CTX_set_read_ahead(context, 1)
        unsafe SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        try believe(options.authoritiesPEM)
        try unsafe options.certificate?.use(in: context)
        let wire = protocols.flatMap { [UInt8(clamping: $0.utf8.count)] + $0.utf8 }
        // Unlike its like, this one returns 0 for success.
        guard unsafe SSL_CTX_set_alpn_protos(context, wire, UInt32(wire.count)) == 0 else { throw TLSError.last(.context) }
        keepSessions()
    }

    deinit {
        unsafe SSL_SESSION_free(session)
        unsafe SSL_CTX_free(pointer)
    }

    /// The system's authorities are read when a server's certificate names one, a file of some 2 KiB each, once: all of them would take a MiB and more for each
    /// context, and what an administrator adds is seen without a reload.
    private func believe(_ authorities: [UInt8]?) throws(TLSError) {
        guard let authorities else {
            guard unsafe SSL_CTX_set_default_verify_paths(pointer) == 1 else { throw TLSError.last(.context) }
            return
        }
        let store = unsafe SSL_CTX_get_cert_store(pointer)
        let count = unsafe CertificateList.forEach(in: authorities) { _, certificate in unsafe X509_STORE_add_cert(store, certificate) == 1 }
        guard let count, count > 0 else { throw TLSError(.certificate, "the authorities' certificates cannot be used") }
    }

    /// No cache of OpenSSL's own: the one session that is of use lies here.
    private func keepSessions() {
        let mode = Int(SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL)
        _ = unsafe menwei_SSL_CTX_set_session_cache_mode(pointer, mode)
        _ = unsafe menwei_SSL_CTX_set_app_data(pointer, Unmanaged.passUnretained(self).toOpaque())
        unsafe SSL_CTX_sess_set_new_cb(pointer) { ssl, session in
            guard let ssl = unsafe ssl, let session = unsafe session, let context = unsafe menwei_SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)) else { return 0 }
            unsafe Unmanaged<TLSClientContext>.fromOpaque(context).takeUnretainedValue().keep(session)
            // The reference stays OpenSSL's.
            return 0
        }
    }

    /// A copy: OpenSSL spoils its own where the connection ends without close_notify, which many servers leave out.
    private func keep(_ new: OpaquePointer) {
        guard let copy = unsafe SSL_SESSION_dup(new) else { return }
        unsafe SSL_SESSION_free(session)
        unsafe session = copy
    }

    /// A new connection over `descriptor`, which stays the caller's.
    func makeSSL(over descriptor: Int32) -> OpaquePointer? {
        guard let ssl = unsafe SSL_new(pointer) else { return nil }
        guard unsafe expect(ssl), let socket = unsafe menwei_BIO_new_socket(descriptor) else {
            unsafe SSL_free(ssl)
            return nil
        }
        unsafe SSL_set_bio(ssl, socket, socket)
        if let session = unsafe session { _ = unsafe SSL_set_session(ssl, session) }
        unsafe SSL_set_connect_state(ssl)
        return unsafe ssl
    }

    /// Whom the certificate must name (RFC 9525): the whole name, `*` for whole labels only.
    private func expect(_ ssl: OpaquePointer) -> Bool {
        let parameters = unsafe SSL_get0_param(ssl)
        if isAddress { return unsafe X509_VERIFY_PARAM_set1_ip_asc(parameters, serverName) == 1 }
        unsafe X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        return unsafe X509_VERIFY_PARAM_set1_host(parameters, serverName, 0) == 1 && menwei_SSL_set_tlsext_host_name(ssl, serverName) == 1
    }

    private static func isAddress(_ name: String) -> Bool {
        guard let octets = unsafe a2i_IPADDRESS(name) else { return false }
        unsafe ASN1_OCTET_STRING_free(octets)
        return true
    }
}
