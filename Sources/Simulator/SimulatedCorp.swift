/// One corp: its apps, and its directory with what each app may see of it.
public struct SimulatedCorp: Equatable, Sendable {
    /// The CorpID, `ww` and 16 characters.
    public var id: String
    public var name: String
    public var apps: [SimulatedApp] = []
    public var departments: [SimulatedDepartment] = []
    public var members: [SimulatedMember] = []
    public var tags: [SimulatedTag] = []
    /// Where events go.
    public var callbacks: [SimulatedCallback] = []
    /// Members of linked corps and people from outside, who can hold the phone too.
    public var guests: [SimulatedPerson] = []

    public init(id: String, name: String) {
        self.id = id
        self.name = name
    }

    func app(_ agentID: Int) -> SimulatedApp? { apps.first { $0.agentID == agentID } }

    /// Uniqueness of user ids ignores case.
    func member(_ userID: String) -> SimulatedMember? {
        let wanted = userID.lowercased()
        return members.first { $0.userID.lowercased() == wanted }
    }

    func department(_ id: Int) -> SimulatedDepartment? { departments.first { $0.id == id } }

    /// Whom a form, a cookie or the control interface means.
    func person(_ key: String) -> SimulatedPerson? {
        if let member = member(key) { return .member(member) }
        return guests.first { $0.key == key }
    }

    /// Members first, then the guests.
    var people: [SimulatedPerson] { members.map { .member($0) } + guests }

    /// These departments and all below them. A tree that was made to bite its own tail ends too.
    func below(_ roots: [Int]) -> Set<Int> {
        var found = Set(roots.filter { department($0) != nil })
        var grew = true
        while grew {
            grew = false
            for department in departments where found.contains(department.parent) && found.insert(department.id).inserted { grew = true }
        }
        return found
    }

    /// The departments that an app may see: those of its range, those its tags carry, and all below them.
    func visibleDepartments(to app: SimulatedApp) -> Set<Int> {
        let tagged = tags.filter { app.visible.tags.contains($0.id) }.flatMap(\.departments)
        return below(app.visible.departments + tagged)
    }

    /// Whether a member is in an app's visible range: by name, by department, by tag.
    func isVisible(_ member: SimulatedMember, to app: SimulatedApp) -> Bool {
        let tagged = tags.filter { app.visible.tags.contains($0.id) }.flatMap(\.users)
        let id = member.userID.lowercased()
        return (app.visible.users + tagged).contains { $0.lowercased() == id }
            || !visibleDepartments(to: app).isDisjoint(with: member.departments)
    }
}
