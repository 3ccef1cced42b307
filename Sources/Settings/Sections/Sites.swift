import Access
import HTTP
import Proxy

/// A site, with what the checks across sites need.
struct SiteDraft {
    var options: SiteOptions
    var mark: Mark
    var idMark: Mark
    var originMark: Mark
    var pathMark: Mark
    var accessMark: Mark
    /// Where each of `options.rules` stands.
    var ruleMarks: [RuleMarks]
}

extension ConfigurationReader {
    private static let ownKeys: [Key] = ["id", "origin", "path", "upstream", "upstreams"]

    /// `sites`, with `site_defaults` under them. Nil where there is none to speak of.
    func readSites(_ root: Section) -> [SiteDraft]? {
        var defaults = SitePart()
        if let node = root.node("site_defaults"), let section = Section(node, "\"site_defaults\"", keys: SitePart.keys, findings) {
            defaults = readPart(section)
        }
        guard root.requires("sites"), let node = root.node("sites"), let items = Section.items(node, "sites", findings) else { return nil }
        if items.isEmpty { findings.fault(node.mark, "\"sites\" needs at least one site") }
        return items.compactMap { readSite($0, defaults) }
    }

    private func readSite(_ node: YAMLNode, _ defaults: SitePart) -> SiteDraft? {
        guard let section = Section(node, "a site", keys: Self.ownKeys + SitePart.keys, findings) else { return nil }
        let part = readPart(section).over(defaults)
        let id = section.required("id", Self.readSiteID)
        let origin = section.required("origin", Read.origin)
        let path = section.has("path") ? section.value("path", PathText.site) : "/"
        let upstreams = readUpstreams(section)
        let headers = HeaderMerge(findings: findings).headers(of: part.headers)
        guard let id, let origin, let path, let upstreams else { return nil }
        var options = SiteOptions(id: id, origin: origin, upstreams: upstreams)
        options.path = path
        part.fill(&options)
        options.identityHeaders = headers
        if let landing = part.landing { options.landing = landing.settle(of: options, findings) }
        if section.has("upstream_tls"), options.upstreamTLS != UpstreamTLS(), !upstreams.contains(where: { $0.scheme == .https }) {
            findings.fault(section.keyMark("upstream_tls"), "\"upstream_tls\" needs an upstream with https://")
        }
        if section.has("strip_path"), options.stripsPath, path == "/" {
            findings.warn(section.keyMark("strip_path"), "\"strip_path\" does nothing where the site's path is \"/\"")
        }
        if let index = options.trustedOrigins.firstIndex(of: origin.text) {
            findings.warn(section.valueMark("trusted_origins"), "\(options.trustedOrigins[index]) is the site's own origin, which is always trusted")
        }
        switch options.enforcement {
        case .required: break
        case .login: findings.warn(part.enforcementMark, "\(quoted(id)) lets in whoever logs in: with \"enforcement: login\" its rules are only recorded")
        case .observe: findings.warn(part.enforcementMark, "\(quoted(id)) lets in everybody: with \"enforcement: observe\" its rules are only recorded")
        }
        return SiteDraft(
            options: options, mark: section.mark, idMark: section.valueMark("id"), originMark: section.valueMark("origin"),
            pathMark: section.has("path") ? section.valueMark("path") : section.valueMark("origin"),
            accessMark: section.keyMark("access"), ruleMarks: part.rules?.map(\.marks) ?? [])
    }

    private static func readSiteID(_ node: YAMLNode) throws(Misread) -> String {
        let text = try Read.name(node)
        let fits = (1...63).contains(text.utf8.count) && text.utf8.allSatisfy { ASCII.isAlphanumeric($0) || "-_.".utf8.contains($0) }
        guard fits else { throw Misread("a site's id is 1 to 63 letters, digits, \"-\", \"_\" and \".\", this is \(quoted(text))") }
        return text
    }

    /// `upstreams`, or `upstream` for one.
    private func readUpstreams(_ section: Section) -> [UpstreamAddress]? {
        if section.has("upstream"), section.has("upstreams") {
            findings.fault(section.keyMark("upstream"), "\"upstream\" and \"upstreams\" cannot both stand here")
            return nil
        }
        if section.has("upstream") { return section.value("upstream", readUpstream).map { [$0] } }
        guard section.has("upstreams") else {
            findings.fault(section.mark, "the key \"upstreams\" (or \"upstream\") is missing")
            return nil
        }
        guard let upstreams = section.list("upstreams", readUpstream), case .sequence(let items)? = section.node("upstreams")?.content else { return nil }
        if items.isEmpty { findings.fault(section.valueMark("upstreams"), "\"upstreams\" needs at least one upstream") }
        if items.count > UpstreamSet.capacity { findings.fault(items[UpstreamSet.capacity].mark, "a site has at most \(UpstreamSet.capacity) upstreams") }
        // Where one of them could not be read, who is who is not known.
        if upstreams.count == items.count { refuseTwins(upstreams, items) }
        return upstreams.isEmpty ? nil : upstreams
    }

    /// The same upstream twice would get twice as much, and its failures count half.
    private func refuseTwins(_ upstreams: [UpstreamAddress], _ items: [YAMLNode]) {
        var seen = Set<UpstreamAddress>()
        for (upstream, item) in zip(upstreams, items) {
            var plain = upstream
            plain.text = ""
            if !seen.insert(plain).inserted { findings.fault(item.mark, "the upstream \(quoted(upstream.text)) is there twice") }
        }
    }
}
