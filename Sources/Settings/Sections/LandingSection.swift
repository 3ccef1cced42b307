import Access
import Bytes
import HTTP
import Proxy

/// `landing` as it stands; it is judged when the site is known.
struct LandingDraft {
    var mobile: (text: String, mark: Mark)?
    var desktop: (text: String, mark: Mark)?

    func settle(of site: SiteOptions, _ findings: Findings) -> SiteOptions.Landing {
        func path(_ entry: (text: String, mark: Mark)?) -> String? {
            guard let entry else { return nil }
            do throws(Misread) {
                return try Self.path(entry.text, of: site)
            } catch {
                findings.fault(error.mark ?? entry.mark, error.message)
                return nil
            }
        }
        return SiteOptions.Landing(mobile: path(mobile), desktop: path(desktop))
    }

    /// The path of an address of the site, from the root of its origin; query and fragment stay.
    private static func path(_ text: String, of site: SiteOptions) throws(Misread) -> String {
        func wrong(_ why: String) -> Misread { Misread("expected a path such as \"/m\" or an address of the site \(quoted(site.id)), this is \(quoted(text)): \(why)") }
        var rest = text[...]
        if !text.hasPrefix("/") {
            let url = try URLText(text, example: "a path such as \"/m\" or an address of the site")
            guard url.scheme == "https", Origin(host: url.host, port: url.port ?? 443) == site.origin else { throw wrong("the site is at \(site.origin.text)") }
            rest = url.rest.hasPrefix("/") ? url.rest[...] : "/" + url.rest
        }
        let encoded = Percent.encode(rest.utf8) { ASCII.isVisible($0) }
        let target = encoded.prefix { $0 != "#" }
        guard encoded.utf8.count <= 2048, let known = try? CanonicalTarget(Array(target.utf8).span), !target.hasPrefix("//") else {
            throw wrong("no request may have such a path")
        }
        guard !PathText.isGateway(known.path) else { throw wrong("what is under /.menwei/ is the gateway's own") }
        guard PathText.isAtOrBelow(known.path, Array(site.path.utf8)) else { throw wrong("the site has \(site.path) and what is below it; paths count from the root of the origin") }
        return encoded
    }
}

extension ConfigurationReader {
    func readLanding(_ node: YAMLNode) -> LandingDraft? {
        guard let section = Section(node, "\"landing\"", keys: ["mobile", "desktop"], findings) else { return nil }
        func entry(_ key: String) -> (text: String, mark: Mark)? {
            guard let node = section.node(key), !node.isNull else { return nil }
            return section.value(key, Read.text).map { ($0, node.mark) }
        }
        return LandingDraft(mobile: entry("mobile"), desktop: entry("desktop"))
    }
}
