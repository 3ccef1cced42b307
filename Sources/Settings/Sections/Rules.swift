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
        let keys: [Key] = ["path", "methods", "allow", .later("max_age", off: .null)]
        guard let section = Section(node, "a rule", keys: keys, findings) else { return nil }
        var pattern = "*"
        let path: Rule.Path? = section.has("path") ? section.value("path") { (node: YAMLNode) throws(Misread) in
            pattern = try Read.text(node)
            return try PathText.pattern(pattern)
        } : .any
        let methods = section.has("methods") ? readMethods(section) : []
        var users: [(name: String, mark: Mark)] = []
        let allow = section.requires("allow") ? section.node("allow").flatMap { readAllow($0, &users) } : nil
        guard let path, let methods, let allow else { return nil }
        let rule = Rule(path: path, pattern: pattern, methods: methods, allow: allow, source: "\(findings.file):\(section.mark.line)")
        let marks = RuleMarks(rule: section.mark, path: section.valueMark("path"), methods: section.valueMark("methods"), users: users)
        return RuleDraft(rule: rule, marks: marks)
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

    private func readAllow(_ node: YAMLNode, _ users: inout [(name: String, mark: Mark)]) -> Rule.Allow? {
        guard case .mapping(let entries) = node.content else {
            switch Section.read(node, Read.word(["anyone", "members"], key: "allow"), findings) {
            case "anyone": return .anyone
            case "members": return .members
            default: return nil
            }
        }
        let keys: [Key] = [
            "anyone", "users", .later("departments", off: .never), .later("tags", off: .never), .later("connections", off: .never),
            .later("networks", off: .never), .later("hours", off: .never),
        ]
        guard let section = Section(node, "\"allow\"", keys: keys, findings) else { return nil }
        if entries.isEmpty { findings.fault(node.mark, "\"allow\" is empty; for everybody who is logged in write members") }
        let anyone = section.value("anyone", Read.boolean)
        if anyone == false { findings.fault(section.valueMark("anyone"), "\"anyone\" can only be true; leave it out otherwise") }
        if anyone == true {
            if section.has("users") { findings.fault(section.keyMark("users"), "\"users\" need a login, which \"anyone\" does not ask for") }
            return section.has("users") ? nil : .anyone
        }
        if !section.has("users"), !entries.contains(where: { entry in keys.contains { $0.name == entry.key } }), !entries.isEmpty {
            findings.fault(node.mark, "\"allow\" names nobody; write anyone, members or { users: […] }")
        }
        guard let list = section.list("users", Self.readUser), case .sequence(let items)? = section.node("users")?.content else { return nil }
        if items.isEmpty { findings.fault(section.valueMark("users"), "\"users\" is an empty list: nobody could ever pass") }
        users = list
        return list.isEmpty ? nil : .users(Set(list.map { $0.name.lowercased() }))
    }

    private static func readUser(_ node: YAMLNode) throws(Misread) -> (name: String, mark: Mark) {
        let text = try Read.name(node)
        guard text.utf8.count <= 160, !text.unicodeScalars.contains(where: { $0.value <= 0x20 || $0.value == 0x7F || $0 == "*" }) else {
            throw Misread("\(quoted(text)) is no account; accounts have no blanks and no \"*\"")
        }
        return (text, node.mark)
    }
}
