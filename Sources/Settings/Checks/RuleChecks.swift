import Access
import Proxy

/// Rules that do not say what their author probably meant. All of these are warnings.
struct RuleChecks {
    let findings: Findings

    func check(_ site: SiteDraft) {
        guard site.options.rules.count == site.ruleMarks.count else { return }
        var site = site
        if site.options.ignoreCase { Self.fold(&site.options) }
        let rules = site.options.rules
        for (index, rule) in rules.enumerated() {
            let marks = site.ruleMarks[index]
            let path = Self.bytes(rule.path)
            if let path, !Self.overlaps(rule.path, Array(site.options.path.utf8)) {
                let why = PathText.isGateway(path) ? "what is under /.menwei/ is the gateway's own" : "the site is \(quoted(site.options.path)), and rules count from the root of the origin"
                findings.warn(marks.path, "this rule is never asked: \(why)")
            } else if let path, PathText.isGateway(path) {
                findings.warn(marks.path, "this rule is never asked: what is under /.menwei/ is the gateway's own")
            } else if let earlier = (0..<index).first(where: { Self.covers(rules[$0].path, rule.path) && Self.covers(rules[$0].methods, rule.methods) }) {
                findings.warn(marks.rule, "this rule is never asked: the rule in line \(site.ruleMarks[earlier].rule.line) decides before it")
            } else {
                narrowed(index, site)
            }
        }
    }

    /// A path closed for some methods, while a wider rule lets more people use the others.
    private func narrowed(_ index: Int, _ site: SiteDraft) {
        let rules = site.options.rules
        let rule = rules[index]
        guard !rule.methods.isEmpty else { return }
        let usual = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
        for method in usual where !Self.covers(rule.methods, [method]) {
            let other = rules.indices.first { Self.covers(rules[$0].path, rule.path) && Self.covers(rules[$0].methods, [method]) }
            guard Self.isWider(other.map { rules[$0].allow } ?? .members, than: rule.allow) else { continue }
            let decider = other.map { "the wider rule in line \(site.ruleMarks[$0].rule.line)" } ?? "\"members\", where no rule matches"
            findings.warn(
                site.ruleMarks[index].methods,
                "\(quoted(rule.pattern)) is narrowed for \(rule.methods.sorted().joined(separator: ", ")) only; other methods, \(method) for one, fall to \(decider)")
            return
        }
    }

    /// Paths as a site that ignores case compares them.
    private static func fold(_ options: inout SiteOptions) {
        options.path = String(decoding: PathFolding.fold(Array(options.path.utf8).span), as: UTF8.self)
        for index in options.rules.indices {
            switch options.rules[index].path {
            case .any: break
            case .exactly(let path): options.rules[index].path = .exactly(PathFolding.fold(path.span))
            case .under(let path): options.rules[index].path = .under(PathFolding.fold(path.span))
            }
        }
    }

    /// Whether `a` lets in somebody whom `b` keeps out, as far as the configuration tells: who is in which department it does not.
    static func isWider(_ a: Rule.Allow, than b: Rule.Allow) -> Bool {
        func isWider<Item: Hashable>(_ some: Set<Item>?, _ others: Set<Item>?) -> Bool {
            guard let others else { return false }
            return some.map { !$0.isSubset(of: others) } ?? true
        }
        func isWiderList<Item: Equatable>(_ some: [Item]?, _ others: [Item]?) -> Bool {
            guard let others else { return false }
            return some.map { !$0.allSatisfy(others.contains) } ?? true
        }
        // Whoever is in a department, or has a tag, came by its connection.
        let connections = a.connections ?? (a.departments ?? a.tags).map { Set($0.map(\.connection)) }
        if !a.asksLogin && b.asksLogin { return true }
        return isWiderList(a.networks, b.networks)
            || b.asksLogin && (isWider(a.users, b.users) || isWider(a.departments, b.departments) || isWider(a.tags, b.tags)
                || isWider(connections, b.connections) || isWiderList(a.hours, b.hours))
    }

    /// Whether every path of `b` is one of `a`.
    static func covers(_ a: Rule.Path, _ b: Rule.Path) -> Bool {
        switch (a, b) {
        case (.any, _): true
        case (.exactly(let path), .exactly(let other)): path == other
        case (.under(let base), .exactly(let path)), (.under(let base), .under(let path)): PathText.isAtOrBelow(path, base)
        default: false
        }
    }

    /// Whether every method of `b` is one of `a`; empty means all, and GET includes HEAD.
    static func covers(_ a: Set<String>, _ b: Set<String>) -> Bool {
        if a.isEmpty { return true }
        return !b.isEmpty && b.allSatisfy { a.contains($0) || ($0 == "HEAD" && a.contains("GET")) }
    }

    /// Whether a request to the site at `site` can have a path of `path`.
    private static func overlaps(_ path: Rule.Path, _ site: [UInt8]) -> Bool {
        switch path {
        case .any: true
        case .exactly(let bytes): PathText.isAtOrBelow(bytes, site)
        case .under(let bytes): PathText.isAtOrBelow(bytes, site) || PathText.isAtOrBelow(site, bytes)
        }
    }

    private static func bytes(_ path: Rule.Path) -> [UInt8]? {
        switch path {
        case .any: nil
        case .exactly(let bytes), .under(let bytes): bytes
        }
    }
}
