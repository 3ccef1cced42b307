import Access
import Bytes
import HTTP
import Proxy
import WeCom

/// What can only be judged when several sections are known.
struct CrossChecks {
    let findings: Findings

    func authOrigin(_ auth: AuthDraft, _ sites: [SiteDraft]) {
        guard let site = sites.first(where: { $0.options.origin == auth.options.origin }) else { return }
        findings.warn(auth.originMark, "this is the origin of the site \(quoted(site.options.id)) too; the auth origin is better a host of its own")
    }

    func loginPage(_ auth: AuthDraft, _ connections: [ConnectionDraft]) {
        guard auth.options.loginPage == .redirect, connections.count > 1 else { return }
        findings.fault(auth.loginPageMark, "\"login_page: redirect\" leads to the only connection, but there are \(connections.count)")
    }

    func scan(_ auth: AuthDraft, _ connections: [ConnectionDraft], _ sites: [SiteDraft]) {
        let networks = auth.options.scanFrom
        if auth.options.loginPage == .scan, networks.isEmpty {
            findings.fault(auth.loginPageMark, "\"login_page: scan\" needs \"scan_from\": the networks whose browsers may have a code")
        }
        if networks.isEmpty { return }
        if let site = sites.first(where: { $0.options.origin == auth.options.origin }) {
            findings.warn(
                auth.scanFromMark, "nobody can log in by a code: scripts of the site \(quoted(site.options.id)), whose origin is the auth origin, could answer for the person")
        }
        if !connections.isEmpty, !connections.contains(where: { $0.options.wecom != nil }) {
            findings.warn(auth.scanFromMark, "nobody can log in by a code: that takes a connection of the type wecom")
        }
        for network in networks where network.description.hasSuffix("/0") {
            findings.warn(auth.scanFromMark, "\(network): anybody can have a code to send to your people; name the networks of their computers")
        }
    }

    /// What else needs the account table, and where the question for codes cannot be asked.
    func accounts(_ accounts: AccountOptions, _ connections: [ConnectionDraft], _ auth: AuthDraft?, _ sites: [SiteDraft]) {
        for connection in connections where accounts.file == nil {
            let missing = "and there is none: \"sessions.store\" is not sqlite, and \"accounts.store\" is not set"
            switch connection.options.kind {
            case .wecom(let app) where app.scope == .privateInfo:
                findings.warn(connection.scopeMark, "\"scope: snsapi_privateinfo\" asks nobody: what members agree to is kept in the account table, \(missing)")
            case .wecom: break
            case .wechat: findings.warn(connection.mark, "nobody can log in by this connection: people of WeChat need an account in the account table, \(missing)")
            }
        }
        if let auth, accounts.rules.asksForCode, sites.contains(where: { $0.options.origin == auth.options.origin }) {
            findings.warn(auth.originMark, "\"accounts.bind: ask\" is off, since this is a site's origin too; who would be asked is refused, or has their own account")
        }
    }

    func sites(_ sites: [SiteDraft]) {
        var ids: [String: SiteDraft] = [:]
        var places: [String: SiteDraft] = [:]
        var origins: [Origin: SiteDraft] = [:]
        for site in sites {
            if let other = ids.updateValue(site, forKey: site.options.id) {
                findings.fault(site.idMark, "the site \(quoted(site.options.id)) stands in line \(other.idMark.line) already")
            }
            let path = site.options.ignoreCase ? site.options.path.lowercased() : site.options.path
            if let other = places.updateValue(site, forKey: site.options.origin.text + path) {
                findings.fault(site.pathMark, "\(site.options.origin.text)\(site.options.path) is the site \(quoted(other.options.id)) already")
            } else if let other = origins[site.options.origin], !hasSameRules(site, other) {
                findings.warn(
                    site.pathMark,
                    "this site shares its origin with \(quoted(other.options.id)) but not its rules; scripts of one can act in the other, so rules do not keep them apart")
            }
            if origins[site.options.origin] == nil { origins[site.options.origin] = site }
        }
    }

    private func hasSameRules(_ a: SiteDraft, _ b: SiteDraft) -> Bool {
        let (left, right) = (a.options.rules, b.options.rules)
        return left.count == right.count
            && zip(left, right).allSatisfy { $0.path == $1.path && $0.methods == $1.methods && $0.allow == $1.allow && $0.maxAge == $1.maxAge }
            && a.options.enforcement == b.options.enforcement
    }

    /// Accounts of the connection with plain names have no prefix; all others have that of their connection.
    func accountNames(_ sites: [SiteDraft], _ connections: [ConnectionDraft], _ accounts: AccountRules) {
        let plain = connections.first { $0.options.plainNames }?.options.id
        let others = connections.filter { !$0.options.plainNames }.map(\.options.id)
        guard !connections.isEmpty else { return }
        for (name, mark) in sites.flatMap(\.ruleMarks).flatMap(\.users) {
            let prefix = name.utf8.firstIndex(of: UInt8(ascii: "/")).map { name[..<$0].lowercased() }
            if let plain, prefix == plain {
                findings.warn(mark, "\(quoted(name)): accounts of \(quoted(plain)) are written without \"\(plain)/\"")
            } else if plain == nil, !accounts.needsTable, prefix.map(others.contains) != true {
                findings.warn(mark, "\(quoted(name)): no connection has plain_names, so accounts are written \"CONNECTION/user\"")
            }
        }
    }

    func certificates(_ tls: TLSDraft, _ auth: AuthDraft?, _ sites: [SiteDraft]) {
        guard let names = tls.names?.map({ $0.lowercased() }) else { return }
        if let auth { certificate(names, auth.options.origin.host, auth.originMark) }
        for site in sites { certificate(names, site.options.origin.host, site.originMark) }
    }

    private func certificate(_ names: [String], _ host: String, _ mark: Mark) {
        // RFC 6125, 6.4.3: a wildcard stands for one whole label.
        let parent = host.utf8.firstIndex(of: UInt8(ascii: ".")).map { "*" + host[$0...] }
        guard !IPText.isIPv4(host), !names.contains(host), !names.contains(parent ?? host) else { return }
        findings.warn(mark, "no certificate is for \(host)")
    }
}
