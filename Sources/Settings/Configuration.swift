public import Proxy
public import WeCom

/// A configuration that was read without a fault: the options of every room.
public struct Configuration: Sendable {
    /// As it was named.
    public var file: String
    public var listen: ListenOptions
    public var tls: TLSOptions
    public var auth: AuthOptions
    /// At least one; ids are unique, at most one has plain names, at most one logs in silently.
    public var connections: [ConnectionOptions]
    /// At least one; ids, and origins with paths, are unique.
    public var sites: [SiteOptions]
    public var accounts: AccountOptions
    public var sessions: SessionOptions
    public var signing: SigningOptions
    public var log: LogOptions

    public init(file: String, listen: ListenOptions, tls: TLSOptions, auth: AuthOptions, connections: [ConnectionOptions], sites: [SiteOptions],
                accounts: AccountOptions, sessions: SessionOptions, signing: SigningOptions, log: LogOptions) {
        self.file = file
        self.listen = listen
        self.tls = tls
        self.auth = auth
        self.connections = connections
        self.sites = sites
        self.accounts = accounts
        self.sessions = sessions
        self.signing = signing
        self.log = log
    }
}

/// What a certificate and its key turn out to be.
public struct CertificateReport: Sendable {
    /// Why they cannot be used, for the fault: `the key does not fit the certificate`.
    public var problem: String?
    /// What else should be known: `expires in 3 days`.
    public var warning: String?
    /// The DNS names it is for, `*.corp.example` included.
    public var names: [String]

    public init(problem: String? = nil, warning: String? = nil, names: [String] = []) {
        self.problem = problem
        self.warning = warning
        self.names = names
    }
}

/// What reading a configuration asks of the outside.
public struct LoadHooks: Sendable {
    /// The value of an environment variable.
    public var environment: @Sendable (String) -> String?
    /// Looks into a certificate and its key, both known to be readable. Nil: nobody looks.
    public var validateCertificate: (@Sendable (CertificateFiles) -> CertificateReport)?
    /// Why the database at a path cannot be the session store, if it is there. Nil: nobody looks.
    public var inspectStore: (@Sendable (String) -> String?)?
    /// The configuration in force, where this one is to take its place: what only a restart can change must be the same in both.
    public var running: Configuration?

    /// The process's own environment.
    public init(validateCertificate: (@Sendable (CertificateFiles) -> CertificateReport)? = nil, inspectStore: (@Sendable (String) -> String?)? = nil) {
        self.inspectStore = inspectStore
        environment = { TextFile.environment($0) }
        self.validateCertificate = validateCertificate
    }
}

/// What reading a configuration comes to.
public struct LoadResult: Sendable {
    /// Nil where there is any fault.
    public var configuration: Configuration?
    /// In the order of the file.
    public var faults: [Fault]
    public var warnings: [Fault]
}

extension Configuration {
    /// Reads the file and all that it names, and finds every fault. Changes nothing.
    public static func load(file: String, hooks: LoadHooks = LoadHooks()) -> LoadResult {
        do throws(TextFile.Failure) {
            return parse(try TextFile.read(file, limit: YAMLDocument.maximumBytes), file: file, hooks: hooks)
        } catch {
            let fault = Fault(file: file, line: 1, column: 1, message: "the configuration \(error.why)")
            return LoadResult(configuration: nil, faults: [fault], warnings: [])
        }
    }

    /// The same for a text; `file` is for messages and for relative paths.
    public static func parse(_ bytes: [UInt8], file: String, hooks: LoadHooks = LoadHooks()) -> LoadResult {
        let findings = Findings(file: file)
        let configuration = read(bytes, findings, hooks)
        if configuration == nil, findings.isFlawless { findings.fault(.start, "the configuration cannot be read") }
        let faults = findings.faults
        return LoadResult(configuration: faults.isEmpty ? configuration : nil, faults: faults, warnings: findings.warnings)
    }

    private static func read(_ bytes: [UInt8], _ findings: Findings, _ hooks: LoadHooks) -> Configuration? {
        do throws(YAMLFault) {
            let document = try YAMLDocument(bytes)
            for fault in document.faults { findings.fault(fault.mark, fault.message) }
            guard let root = document.root else {
                findings.fault(.start, "the configuration is empty; it needs listen, tls, auth, connections and sites")
                return nil
            }
            var reader = ConfigurationReader(findings: findings, hooks: hooks)
            return reader.read(root)
        } catch {
            findings.fault(error.mark, error.message)
            return nil
        }
    }
}
