import Access

/// Where a rule and its parts stand.
struct RuleMarks {
    var rule: Mark
    var path: Mark
    var methods: Mark
    /// In the order of the file; of `users` only.
    var users: [(name: String, mark: Mark)]
}

struct RuleDraft {
    var rule: Rule
    var marks: RuleMarks
}

extension ConfigurationReader {
    /// Every request asks them one after the other.
    private static let maximumRules = 500

    func readAccess(_ node: YAMLNode) -> [RuleDraft]? {
        guard let items = Section.items(node, "access", findings) else { return nil }
        if items.isEmpty { findings.fault(node.mark, "\"access\" is an empty list; for everybody who is logged in write { allow: members }") }
        if items.count > Self.maximumRules { findings.fault(items[Self.maximumRules].mark, "a site can have \(Self.maximumRules) rules at the most") }
        let drafts = items.prefix(Self.maximumRules).compactMap(readRule)
        // A rule that is lost without a fault would open what it closes.
        if drafts.count < items.count, findings.isFlawless { findings.fault(node.mark, "\"access\" has a rule that cannot be read") }
        return drafts
    }

    private func readRule(_ node: YAMLNode) -> RuleDraft? {
        let keys: [Key] = ["path", "methods", "allow", "max_age"]
        guard let section = Section(node, "a rule", keys: keys, findings) else { return nil }
        var pattern = "*"
        let path: Rule.Path? = section.has("path") ? section.value("path") { (node: YAMLNode) throws(Misread) in
            pattern = try Read.text(node)
            return try PathText.pattern(pattern)
        } : .any
        let methods = section.has("methods") ? readMethods(section) : []
        var users: [(name: String, mark: Mark)] = []
        let allow = section.requires("allow") ? section.node("allow").flatMap { readAllow($0, &users) } : nil
        let maxAge = readMaxAge(section, allow)
        guard let path, let methods, let allow else { return nil }
        let rule = Rule(path: path, pattern: pattern, methods: methods, allow: allow, maxAge: maxAge, source: "\(findings.file):\(section.mark.line)")
        let marks = RuleMarks(rule: section.mark, path: section.valueMark("path"), methods: section.valueMark("methods"), users: users)
        return RuleDraft(rule: rule, marks: marks)
    }

    private func readMaxAge(_ section: Section, _ allow: Rule.Allow?) -> Duration? {
        guard let node = section.node("max_age"), !node.isNull else { return nil }
        let age = section.value("max_age", Read.duration(.seconds(1)...DurationText.maximum))
        if allow?.asksLogin == false { findings.fault(section.keyMark("max_age"), "\"max_age\" needs a login, which \"anyone\" does not ask for") }
        // With a slow network the way back from the login may take as long, and the login begin again.
        if let age, age < .seconds(60) { findings.warn(section.valueMark("max_age"), "a login may be older than \(DurationText.format(age)) before the person is back from it; take a minute at least") }
        return age
    }

    private func readMethods(_ section: Section) -> Set<String>? {
        guard let methods = section.list("methods", Self.readMethod), case .sequence(let items)? = section.node("methods")?.content else { return nil }
        if items.isEmpty { findings.fault(section.valueMark("methods"), "\"methods\" is an empty list; without the key the rule is for every method") }
        return methods.count == items.count && !items.isEmpty ? Set(methods) : nil
    }

    private static func readMethod(_ node: YAMLNode) throws(Misread) -> String {
        let text = try Read.text(node)
        guard text.utf8.count <= 32, text.utf8.allSatisfy(ASCII.isToken) else { throw Misread("\(quoted(text)) is no request method") }
        // Methods are compared with case (RFC 9110, 9.1): `get` would never match.
        guard !text.utf8.contains(where: ASCII.isLower) else { throw Misread("methods are written in capitals: \(text.uppercased())") }
        guard text != "TRACE", text != "CONNECT" else { throw Misread("\(text) requests are always refused; no rule sees them") }
        return text
    }
}
