import Access
import Bytes
import CLinux
import Crypto
import EventLoop
import Outbound
import Portal
import Proxy
import Settings
import Storage
import TLS
import Telemetry
import WeCom

/// Why the gateway does not start; `status` is the exit status.
struct StartFault: Error {
    var message: String
    var status: Int32 = 1
}

/// What all workers share, made from a configuration: keys, store, calls to WeCom, records, metrics.
struct Startup {
    let configuration: Configuration
    let recorder: Recorder
    let metrics: Metrics
    let store: any SessionStore
    let keys: KeyFolderContents
    let directories: [String: Directory]
    /// Looks members up again while their sessions live.
    let members: MemberCheck
    let storeHealth = StoreHealth()
    let upstreamHealth: UpstreamHealth
    let certificates: [CertificateMaterial]
    let loadedAt: WallTime

    init(_ configuration: Configuration, recordsTo: Int32) throws(StartFault) {
        self.configuration = configuration
        upstreamHealth = UpstreamHealth(sites: configuration.sites.count)
        loadedAt = WallTime(milliseconds: menwei_wall_ms())
        let recorder = Recorder(output: recordsTo, level: Self.level(configuration.log.level))
        self.recorder = recorder
        let metrics = Metrics(version: Version.number, commit: Version.commit)
        self.metrics = metrics
        var certificates: [CertificateMaterial] = []
        for files in configuration.tls.certificates {
            do { certificates.append(try Certificates.load(files)) } catch { throw StartFault(message: "\(files.certificate): \(error.reason)", status: 2) }
        }
        self.certificates = certificates
        do {
            keys = try KeyFolder(path: configuration.signing.keys).openOrCreate(lifetime: configuration.signing.lifetime, now: loadedAt)
        } catch { throw StartFault(message: "signing.keys: \(error.path): \(error.message)") }
        for (path, message) in keys.warnings { recorder.log(.warn, "signing key", [("path", path), ("problem", message)]) }
        store = try Self.store(configuration.sessions, keys.sealing, recorder)
        let caller: CurlCaller
        do { caller = try CurlCaller() } catch { throw StartFault(message: "libcurl cannot be used") }
        var directories: [String: Directory] = [:]
        for connection in configuration.connections {
            let surroundings = Directory.Surroundings { api, errcode in metrics.wecomCall(api: api, errcode: errcode) }
            directories[connection.id] = Directory(connection, caller: caller, surroundings: surroundings)
        }
        self.directories = directories
        members = MemberCheck(
            options: Self.portalOptions(configuration), store: store, providers: directories,
            records: PortalRecords(recorder: recorder, metrics: metrics))
        setGauges()
    }

    private static func level(_ level: LogOptions.Level) -> LogLevel {
        switch level {
        case .debug: .debug
        case .info: .info
        case .warning: .warn
        case .error: .error
        }
    }

    private static func store(_ options: SessionOptions, _ sealing: SealingKey, _ recorder: Recorder) throws(StartFault) -> any SessionStore {
        switch options.store {
        case .memory: return MemoryStore(limits: options.limits)
        case .sqlite(let path):
            do {
                return try SQLiteStore(path: path, sealing: sealing, limits: options.limits) { failure in
                    recorder.log(.error, "session store", [("code", failure.code.rawValue), ("detail", failure.detail)])
                }
            } catch { throw StartFault(message: "sessions.store: \(path): \(error.detail)") }
        }
    }

    private func setGauges() {
        var gauges = Metrics.Gauges()
        let loadedAt = self.loadedAt
        let certificates = self.certificates.map { Metrics.Gauges.Certificate(name: $0.names.first ?? "", expires: $0.notAfter) }
        let recorder = self.recorder
        gauges.configurationLoaded = { loadedAt }
        gauges.certificates = { certificates }
        let sites = configuration.sites.map { ($0.id, $0.upstreams.map(\.text)) }
        let health = upstreamHealth
        gauges.upstreams = { [unowned metrics] in
            sites.enumerated().flatMap { index, site in
                site.1.enumerated().map { place, upstream in
                    let isHealthy = health.isWell(site: index, upstream: place) && metrics.reachesUpstream(upstream, of: site.0)
                    return Metrics.Gauges.Upstream(site: site.0, upstream: upstream, isHealthy: isHealthy)
                }
            }
        }
        gauges.recordsDropped = { recorder.dropped }
        let sessions = SessionCount.shared
        gauges.sessions = { sessions.value }
        metrics.setGauges(gauges)
    }

    /// The plan of one worker, with its own sockets.
    func plan(https: [Int32], http: [Int32], tickets: [UInt8]) throws(StartFault) -> WorkerPlan {
        guard let name = keys.ring.signing(at: loadedAt), let key = keys.keys[name.kid] else { throw StartFault(message: "signing.keys: no key signs") }
        let published = keys.ring.published(at: loadedAt).compactMap { keys.keys[$0.kid]?.publicKey.jwk }
        var tls = TLS.TLSOptions(certificates: certificates, ticketKeys: tickets)
        tls.minimumVersion = configuration.tls.minimumVersion == .tls13 ? .tls13 : .tls12
        let limits = configuration.sessions.limits
        var gateway = GatewayOptions(
            authOrigin: configuration.auth.origin, sites: configuration.sites, limits: limits, ownershipFiles: configuration.auth.ownershipFiles,
            plainNames: configuration.connections.first { $0.plainNames }?.id)
        gateway.storeHealth = storeHealth
        gateway.members = members
        gateway.upstreamHealth = upstreamHealth
        return WorkerPlan(
            tls: tls, gateway: gateway, portal: Self.portalOptions(configuration), https: https, http: http, signingKey: key,
            publicKeys: Array(("{\"keys\":[" + published.joined(separator: ",") + "]}").utf8), assertionLifetime: configuration.signing.lifetime,
            store: store, directories: directories,
            metrics: metrics.shard(sites: configuration.sites.map(\.id), upstreams: configuration.sites.map { $0.upstreams.map(\.text) }),
            records: PortalRecords(recorder: recorder, metrics: metrics), recorder: recorder)
    }

    private static func portalOptions(_ configuration: Configuration) -> PortalOptions {
        let sites = configuration.sites.map {
            PortalOptions.Site(id: $0.id, origin: $0.origin, path: $0.path, trustedOrigins: $0.trustedOrigins)
        }
        var options = PortalOptions(authOrigin: configuration.auth.origin, sites: sites, connections: configuration.connections) {
            WallTime(milliseconds: menwei_wall_ms())
        }
        options.loginPage = configuration.auth.loginPage == .redirect ? .redirect : .panel
        options.ownershipFiles = configuration.auth.ownershipFiles
        options.limits = configuration.sessions.limits
        options.recheck = configuration.sessions.recheck
        options.recheckGrace = configuration.sessions.recheckGrace
        return options
    }
}
