public import Access
public import Crypto
public import Proxy

/// `listen`: where the gateway waits.
public struct ListenOptions: Equatable, Sendable {
    /// At least one.
    public var https: [ListenAddress] = []
    /// Plain listeners; they only redirect and serve ownership files.
    public var http: [ListenAddress] = []
    /// `/metrics`, `/healthz`, `/readyz`.
    public var operations = ListenAddress(host: "127.0.0.1", port: 9464)
    /// Where each address stands, as a fault without words: what is wrong with it may come out only when it is bound.
    public var places: [ListenAddress: Fault] = [:]
    /// `proxy_protocol_from` and `trusted_proxies`.
    public var trusted = TrustedPeers()
    public init() {}
}

/// A certificate chain and its private key, both PEM files; paths as they can be opened.
public struct CertificateFiles: Hashable, Sendable {
    public var certificate: String
    public var key: String
    public init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }
}

/// `tls`: what the https listeners show.
public struct TLSOptions: Equatable, Sendable {
    public enum Version: String, Sendable {
        case tls12 = "1.2"
        case tls13 = "1.3"
    }
    /// At least one; the first serves names that no certificate has.
    public var certificates: [CertificateFiles] = []
    public var minimumVersion = Version.tls12
    public init() {}
}

/// `sessions`: where they are kept and how long they live.
public struct SessionOptions: Equatable, Sendable {
    public enum Store: Equatable, Sendable {
        case memory
        /// A path as it can be opened.
        case sqlite(String)
    }
    public var store: Store
    public var limits = SessionLimits()
    /// How often a live session's member is looked up again.
    public var recheck = Duration.seconds(600)
    /// How long the last answer stands while WeCom cannot be asked.
    public var recheckGrace = Duration.seconds(3600)
    public init(store: Store) {
        self.store = store
    }
}

/// `signing`: the keys of the assertions.
public struct SigningOptions: Equatable, Sendable {
    /// The folder, as it can be opened. It may not exist yet.
    public var keys: String
    /// Of an assertion.
    public var lifetime = Duration.seconds(120)
    /// Of new keys, and how often there is one.
    public var rotation = KeyRotation(every: .seconds(30 * 86400), algorithm: .es256)
    public init(keys: String) {
        self.keys = keys
    }
}

/// `log`: what goes to standard error.
public struct LogOptions: Equatable, Sendable {
    public enum Level: String, CaseIterable, Sendable { case debug, info, warning = "warn", error }
    public var level = Level.info
    public init() {}
}
