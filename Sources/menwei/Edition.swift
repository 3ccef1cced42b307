import Access
import Bytes
import Crypto
import Portal
import Proxy
import Settings
import Storage
import TLS
import Telemetry
import WeCom

/// A configuration without a fault, and the certificates that it names as they were read with it.
struct LoadedConfiguration: Sendable {
    var configuration: Configuration
    /// In the order of the configuration.
    var certificates: [LoadedCertificate]
}

/// One configuration, and what is made of it once for all workers.
struct Edition: Sendable {
    let configuration: Configuration
    var certificates: [LoadedCertificate]
    /// Of WeCom connections.
    let directories: [String: Directory]
    /// Who answers for each connection: those, with what the rules ask of departments and tags, and those of WeChat.
    let providers: [String: any IdentityProvider]
    /// Looks members up again while their sessions live.
    let members: MemberCheck
    /// Ends the sessions of those whose account is another by now; nil: there is no account table.
    let accountWatch: AccountWatch?
    /// What active checks say of its upstreams, for all workers.
    let upstreamHealth: UpstreamHealth
    let loadedAt: WallTime

    /// - Parameter last: whose place it takes; connections that both know alike keep their directory, and with it WeCom's access token;
    ///   what was found of upstreams stays, too.
    init(_ loaded: LoadedConfiguration, _ shared: Shared, last: Edition?, at now: WallTime) {
        configuration = loaded.configuration
        certificates = loaded.certificates
        upstreamHealth = UpstreamHealth(of: loaded.configuration.sites, last: last.map { ($0.configuration.sites, $0.upstreamHealth) })
        loadedAt = now
        let metrics = shared.metrics
        let surroundings = Directory.Surroundings { api, errcode in metrics.wecomCall(api: api, errcode: errcode) }
        var directories: [String: Directory] = [:]
        var providers: [String: any IdentityProvider] = [:]
        for connection in configuration.connections {
            if let kept = last?.directories[connection.id], last?.configuration.connections.contains(connection) == true {
                directories[connection.id] = kept
            } else {
                switch connection.kind {
                case .wecom(let app): directories[connection.id] = Directory(app, caller: shared.caller, surroundings: surroundings)
                case .wechat(let app): providers[connection.id] = WeChatLogin(app, caller: shared.caller, surroundings: surroundings)
                }
            }
        }
        self.directories = directories
        for (id, directory) in directories { providers[id] = directory.with(Self.groups(directory, id, loaded.configuration, last)) }
        self.providers = providers
        let options = Self.portalOptions(configuration)
        members = MemberCheck(
            options: options, store: shared.store, accounts: shared.accounts, providers: self.providers, records: shared.records,
            suspicions: shared.suspicions)
        accountWatch = shared.accounts.map { AccountWatch(options: options, accounts: $0, store: shared.store, records: shared.records) }
    }

    /// What is known of departments and tags is kept where the rules still ask for the same.
    private static func groups(_ directory: Directory, _ id: String, _ configuration: Configuration, _ last: Edition?) -> Groups {
        let needs = configuration.groupNeeds(of: id)
        let sessions = configuration.sessions
        if let last, last.directories[id] === directory, let groups = last.providers[id]?.groups, last.configuration.groupNeeds(of: id) == needs,
            last.configuration.sessions.recheck == sessions.recheck, last.configuration.sessions.recheckGrace == sessions.recheckGrace {
            return groups
        }
        return Groups(needs, from: directory, maximumAge: sessions.recheck, grace: sessions.recheckGrace, now: directory.now)
    }

    /// The plan of worker `number`.
    /// - Parameter bound: addresses at which the workers do not listen yet.
    func plan(keys: SigningDuty, tickets: TicketKeys, bound: [BoundAddress], number: Int) -> ServingPlan {
        var gateway = GatewayOptions(
            authOrigin: configuration.auth.origin, sites: configuration.sites, ownershipFiles: configuration.auth.ownershipFiles,
            plainNames: configuration.connections.first { $0.plainNames }?.id, via: Instance.via)
        gateway.upstreamHealth = upstreamHealth
        return ServingPlan(
            tls: tlsOptions(tickets: tickets), gateway: gateway, portal: Self.portalOptions(configuration), providers: providers, members: members, keys: keys,
            https: Set(configuration.listen.https.map(\.text)), http: Set(configuration.listen.http.map(\.text)),
            sockets: Dictionary(uniqueKeysWithValues: bound.map { ($0.address.text, $0.sockets[number]) }),
            trusted: configuration.listen.trusted)
    }

    func tlsOptions(tickets: TicketKeys) -> TLS.TLSOptions {
        var tls = TLS.TLSOptions(certificates: certificates.map(\.material), tickets: tickets)
        tls.minimumVersion = configuration.tls.minimumVersion == .tls13 ? .tls13 : .tls12
        return tls
    }

    private static func portalOptions(_ configuration: Configuration) -> PortalOptions {
        let sites = configuration.sites.map { options in
            var site = PortalOptions.Site(id: options.id, origin: options.origin, path: options.path, trustedOrigins: options.trustedOrigins)
            site.landing = options.landing
            return site
        }
        var options = PortalOptions(authOrigin: configuration.auth.origin, sites: sites, connections: configuration.connections) { Shared.now() }
        options.loginPage =
            switch configuration.auth.loginPage {
            case .panel: .panel
            case .redirect: .redirect
            case .scan: .scan
            }
        options.scanFrom = configuration.auth.scanFrom
        options.ownershipFiles = configuration.auth.ownershipFiles
        options.accounts = configuration.accounts.rules
        options.limits = configuration.sessions.limits
        options.recheck = configuration.sessions.recheck
        options.recheckGrace = configuration.sessions.recheckGrace
        return options
    }
}

extension Configuration {
    /// What the rules ask of a connection's departments and tags.
    fileprivate func groupNeeds(of connection: String) -> GroupNeeds {
        let allows = sites.flatMap(\.rules).map(\.allow)
        return GroupNeeds(
            departments: allows.contains { $0.departments?.contains { $0.connection == connection } ?? false },
            tags: Set(allows.flatMap { $0.tags ?? [] }.filter { $0.connection == connection }.map(\.id)))
    }
}
