import Access
import HTTP
import Proxy
import WeCom

/// Reads the whole tree; each top-level key has a file of its own beside this one.
struct ConfigurationReader {
    let findings: Findings
    let hooks: LoadHooks
    /// Nil until all connections are known, and where one of them cannot be read.
    var names: ConnectionNames?
    var paths: Paths { Paths(file: findings.file) }

    private static let keys: [Key] = [
        "listen", "tls", "auth", "connections", "accounts", "site_defaults", "sites", "sessions", "signing", "log",
    ]

    mutating func read(_ root: YAMLNode) -> Configuration? {
        guard let section = Section(root, "the configuration", keys: Self.keys, findings) else { return nil }
        let listen = section.requires("listen") ? section.node("listen").flatMap(readListen) : nil
        let tls = section.requires("tls") ? section.node("tls").flatMap(readTLS) : nil
        let auth = section.requires("auth") ? section.node("auth").flatMap(readAuth) : nil
        let faults = findings.faults.count
        let connections = section.requires("connections") ? section.node("connections").flatMap(readConnections) : nil
        names = findings.faults.count == faults ? connections.flatMap(ConnectionNames.init) : nil
        let sites = readSites(section)
        let sessions = readSessions(section.node("sessions"), at: section.mark)
        let accounts = readAccounts(section.node("accounts"), sessions, at: section.mark)
        let signing = readSigning(section.node("signing"), at: section.mark)
        let log = readLog(section.node("log"))

        check(auth, connections ?? [], sites, tls, accounts?.rules ?? AccountRules())
        if let accounts { CrossChecks(findings: findings).accounts(accounts, connections ?? [], auth, sites ?? []) }
        guard let listen, let tls, let auth, let connections, let sites, let accounts, let sessions, let signing, let log else { return nil }
        return Configuration(
            file: findings.file, listen: listen, tls: tls.options, auth: auth.options, connections: connections.map(\.options),
            sites: sites.map(\.options), accounts: accounts, sessions: sessions, signing: signing, log: log)
    }

    private func check(_ auth: AuthDraft?, _ connections: [ConnectionDraft], _ sites: [SiteDraft]?, _ tls: TLSDraft?, _ accounts: AccountRules) {
        let checks = CrossChecks(findings: findings)
        let sites = sites ?? []
        if let auth {
            checks.authOrigin(auth, sites)
            checks.loginPage(auth, connections)
            checks.scan(auth, connections, sites)
        }
        checks.sites(sites)
        checks.accountNames(sites, connections, accounts)
        for site in sites { RuleChecks(findings: findings).check(site) }
        if let tls { checks.certificates(tls, auth, sites) }
    }
}
