/// What a change of a corp makes WeCom tell: to contact-sync the changes of members, departments and tags (D/96302), to each app who came into its
/// visible range and who left it.
struct CorpChanges {
    var directory: [SimulatedEvent] = []
    /// By agent id.
    var apps: [Int: [SimulatedEvent]] = [:]

    /// - Parameter renamed: old user id → new user id.
    init(from old: SimulatedCorp, to new: SimulatedCorp, renamed: [String: String]) {
        members(old, new, renamed)
        departments(old, new)
        tags(old, new)
        for app in new.apps { ranges(old, new, app) }
    }

    private mutating func add(_ type: String, _ members: [(String, String)]) {
        directory.append(SimulatedEvent(members: [("Event", "change_contact"), ("ChangeType", type)] + members.map { (name: $0.0, value: $0.1) }))
    }

    private mutating func members(_ old: SimulatedCorp, _ new: SimulatedCorp, _ renamed: [String: String]) {
        let before = Self.byKey(old.members) { $0.userID.lowercased() }, after = Self.byKey(new.members) { $0.userID.lowercased() }
        let arrived = Set(renamed.values.map { $0.lowercased() })
        for member in old.members {
            let key = member.userID.lowercased()
            if let fresh = after[key] {
                if fresh != member { add("update_user", [("UserID", member.userID)] + Self.difference(member, fresh)) }
            } else if let id = renamed[member.userID] {
                add("update_user", [("UserID", member.userID), ("NewUserID", id)])
            } else {
                add("delete_user", [("UserID", member.userID)])
            }
        }
        for member in new.members where before[member.userID.lowercased()] == nil && !arrived.contains(member.userID.lowercased()) {
            add("create_user", [("UserID", member.userID), ("Department", Self.list(member.departments))])
        }
    }

    private static func difference(_ old: SimulatedMember, _ new: SimulatedMember) -> [(String, String)] {
        var found: [(String, String)] = []
        if new.name != old.name { found.append(("Name", new.name)) }
        if new.departments != old.departments { found.append(("Department", list(new.departments))) }
        if new.position != old.position { found.append(("Position", new.position)) }
        if new.status != old.status { found.append(("Status", String(new.status))) }
        return found
    }

    private mutating func departments(_ old: SimulatedCorp, _ new: SimulatedCorp) {
        let before = Self.byKey(old.departments) { $0.id }, after = Self.byKey(new.departments) { $0.id }
        for department in old.departments where after[department.id] == nil { add("delete_party", [("Id", String(department.id))]) }
        for department in new.departments {
            let id = ("Id", String(department.id)), parent = ("ParentId", String(department.parent)), name = ("Name", department.name)
            guard let last = before[department.id] else {
                add("create_party", [id, name, parent])
                continue
            }
            if last != department { add("update_party", [id] + (last.name == department.name ? [] : [name]) + (last.parent == department.parent ? [] : [parent])) }
        }
    }

    private mutating func tags(_ old: SimulatedCorp, _ new: SimulatedCorp) {
        let before = Self.byKey(old.tags) { $0.id }, after = Self.byKey(new.tags) { $0.id }
        for id in Set(before.keys).union(after.keys).sorted() where before[id] != after[id] {
            let had = before[id] ?? SimulatedTag(id, ""), has = after[id] ?? SimulatedTag(id, "")
            var members = [("TagId", String(id))]
            func tell(_ name: String, _ items: [String]) { if !items.isEmpty { members.append((name, items.joined(separator: ","))) } }
            tell("AddUserItems", has.users.filter { !had.users.contains($0) })
            tell("DelUserItems", had.users.filter { !has.users.contains($0) })
            tell("AddPartyItems", has.departments.filter { !had.departments.contains($0) }.map(String.init))
            tell("DelPartyItems", had.departments.filter { !has.departments.contains($0) }.map(String.init))
            if members.count > 1 { add("update_tag", members) }
        }
    }

    private mutating func ranges(_ old: SimulatedCorp, _ new: SimulatedCorp, _ app: SimulatedApp) {
        guard let last = old.app(app.agentID) else { return }
        let before = Set(old.members.filter { old.isVisible($0, to: last) }.map(\.userID)), after = Set(new.members.filter { new.isVisible($0, to: app) }.map(\.userID))
        func tell(_ event: String, _ users: Set<String>) {
            apps[app.agentID, default: []] += users.sorted().map {
                SimulatedEvent(sender: $0, members: [("Event", event), ("EventKey", ""), ("AgentID", String(app.agentID))])
            }
        }
        tell("unsubscribe", before.subtracting(after))
        tell("subscribe", after.subtracting(before))
    }

    private static func byKey<Key: Hashable, Value>(_ values: [Value], _ key: (Value) -> Key) -> [Key: Value] {
        Dictionary(values.map { (key($0), $0) }) { first, _ in first }
    }

    private static func list(_ ids: [Int]) -> String { ids.map(String.init).joined(separator: ",") }
}
