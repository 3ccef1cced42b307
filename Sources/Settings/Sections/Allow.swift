import Access
import Bytes
import WeCom

/// How rules name the accounts, departments and tags of each connection.
struct ConnectionNames {
    /// The connection whose names go without `ID/`.
    var plain: String?
    var all: [String]
    /// Those that have departments and tags.
    var corps: Set<String>
}

extension ConfigurationReader {
    /// What an object under `allow` says. `users` are noted for checks that need more than the rule.
    func readAllow(_ node: YAMLNode, _ users: inout [(name: String, mark: Mark)]) -> Rule.Allow? {
        guard case .mapping(let entries) = node.content else {
            switch Section.read(node, Read.word(["anyone", "members"], key: "allow"), findings) {
            case "anyone": return .anyone
            case "members": return .members
            default: return nil
            }
        }
        let keys: [Key] = ["anyone", "users", "departments", "tags", "connections", "networks", "hours"]
        guard let section = Section(node, "\"allow\"", keys: keys, findings) else { return nil }
        if entries.isEmpty { findings.fault(node.mark, "\"allow\" is empty; for everybody who is logged in write members") }
        if !entries.isEmpty, !entries.contains(where: { entry in keys.contains { $0.name == entry.key } }) {
            findings.fault(node.mark, "\"allow\" names nobody; write anyone, members or { users: […] }")
        }
        guard keys.contains(where: { section.has($0.name) }) else { return nil }
        var allow = Rule.Allow()
        if section.has("anyone") {
            guard let anyone = section.value("anyone", Read.boolean) else { return nil }
            if !anyone { findings.fault(section.valueMark("anyone"), "\"anyone\" can only be true; leave it out otherwise") }
            allow.asksLogin = !anyone
            for key in ["users", "departments", "tags", "connections", "hours"] where anyone && section.has(key) {
                findings.fault(section.keyMark(key), "\(quoted(key)) need a login, which \"anyone\" does not ask for")
            }
        }
        users = readItems(section, "users", Self.readUser) ?? []
        if section.has("users") { allow.users = Set(users.map { $0.name.lowercased() }) }
        allow.departments = readItems(section, "departments") { (node: YAMLNode) throws(Misread) in try readGroup(node, "departments") }.map { Set($0) }
        allow.tags = readItems(section, "tags") { (node: YAMLNode) throws(Misread) in try readGroup(node, "tags") }.map { Set($0) }
        allow.connections = readItems(section, "connections", readConnectionName).map { Set($0) }
        allow.networks = section.has("networks") ? notEmpty(section, "networks", readNetworks(section, "networks")) : nil
        allow.hours = readHours(section)
        return allow
    }

    /// A list that is there and has items; an item that cannot be read is a fault, so that nothing that follows from the rest matters.
    private func readItems<Item>(_ section: Section, _ key: String, _ read: Section.Reader<Item>) -> [Item]? {
        section.has(key) ? notEmpty(section, key, section.list(key, read) ?? []) : nil
    }

    private func notEmpty<Item>(_ section: Section, _ key: String, _ items: [Item]) -> [Item] {
        if case .sequence(let nodes)? = section.node(key)?.content, nodes.isEmpty {
            findings.fault(section.valueMark(key), "\(quoted(key)) is an empty list: nobody could ever pass")
        }
        return items
    }

    private static func readUser(_ node: YAMLNode) throws(Misread) -> (name: String, mark: Mark) {
        let text = try Read.name(node)
        guard text.utf8.count <= 160, !text.unicodeScalars.contains(where: { $0.value <= 0x20 || $0.value == 0x7F || $0 == "*" }) else {
            throw Misread("\(quoted(text)) is no account; accounts have no blanks and no \"*\"")
        }
        return (text, node.mark)
    }

    private func readConnectionName(_ node: YAMLNode) throws(Misread) -> String {
        let text = try Read.name(node)
        guard let names else { return text }
        guard names.all.contains(text) else { throw Misread("there is no connection \(quoted(text))" + Suggestion.hint(for: text, among: names.all)) }
        return text
    }

    /// `3`: of the connection with plain names; `ID/3`: of another.
    private func readGroup(_ node: YAMLNode, _ what: String) throws(Misread) -> Rule.GroupID {
        let text = try Read.name(node)
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let last = parts.last, last.utf8.allSatisfy(ASCII.isDigit), let id = Int32(last), id > 0 else {
            throw Misread("\(quoted(text)): \(what) are written by their number in WeCom, as 3 or CONNECTION/3")
        }
        // Without connections that can be read there is nothing to compare with.
        guard let names else { return Rule.GroupID(connection: "", id: Int(id)) }
        guard parts.count == 2 else {
            guard let plain = names.plain else { throw Misread("\(quoted(text)): no connection has plain_names, so \(what) are written \"CONNECTION/\(id)\"") }
            return Rule.GroupID(connection: plain, id: Int(id))
        }
        let connection = String(parts[0])
        guard names.all.contains(connection) else {
            throw Misread("\(quoted(text)): there is no connection \(quoted(connection))" + Suggestion.hint(for: connection, among: names.all))
        }
        guard connection != names.plain else { throw Misread("\(quoted(text)): \(what) of \(quoted(connection)) are written without \"\(connection)/\"") }
        guard names.corps.contains(connection) else { throw Misread("\(quoted(text)): \(quoted(connection)) has no \(what)") }
        return Rule.GroupID(connection: connection, id: Int(id))
    }

    /// One text or several.
    private func readHours(_ section: Section) -> [OpenHours]? {
        guard let node = section.node("hours") else { return nil }
        let read: Section.Reader<OpenHours> = { (node: YAMLNode) throws(Misread) in try HoursText.parse(try Read.text(node), zone: ZoneFiles.table) }
        if case .sequence = node.content { return readItems(section, "hours", read) }
        return Section.read(node, read, findings).map { [$0] } ?? []
    }
}

extension ConnectionNames {
    /// Nil where they do not stand, so that rules are not measured by what is at fault itself.
    init?(_ drafts: [ConnectionDraft]) {
        guard !drafts.isEmpty else { return nil }
        plain = drafts.first { $0.options.plainNames }?.options.id
        all = drafts.map(\.options.id)
        corps = Set(drafts.filter { $0.options.wecom != nil }.map(\.options.id))
    }
}
