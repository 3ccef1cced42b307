/// Which department lies in which, as far as the app may see (`department/simplelist`, developer document 95406).
public struct DepartmentTree: Equatable, Sendable {
    /// By id: the one above it, whether the app may see that or not.
    private let parents: [Int: Int]

    /// More than a corp may have (30,000).
    static let limit = 100_000

    public init(parents: [Int: Int] = [:]) { self.parents = parents }

    /// Whether everything that `other` says of departments is so here too. There may be more of them.
    public func holds(_ other: DepartmentTree) -> Bool {
        other.parents.allSatisfy { id, parent in parents[id] == parent && (parents[parent] != nil) == (other.parents[parent] != nil) }
    }

    /// `departments`, and behind them those above them that the app may see, the nearest first; each once. A tree that bites its own tail ends too.
    public func withAbove(_ departments: [Int]) -> [Int] {
        var found: [Int] = []
        var seen = Set<Int>()
        var level = departments
        while !level.isEmpty {
            level = level.filter { seen.insert($0).inserted }
            found += level
            level = level.compactMap { parents[$0] }.filter { parents[$0] != nil }
        }
        return found
    }
}

/// Who carries a tag, as far as the app may see (`tag/get`).
public struct TagHolders: Equatable, Sendable {
    /// Folded user ids.
    public var users: Set<String>
    /// With those below them.
    public var departments: Set<Int>

    public init(users: Set<String> = [], departments: Set<Int> = []) {
        self.users = users
        self.departments = departments
    }
}

/// What a corp's directory says of departments, and of the tags that somebody asks for.
public struct CorpGroups: Equatable, Sendable {
    public var tree: DepartmentTree
    /// By id.
    public var tags: [Int: TagHolders]

    public init(tree: DepartmentTree = DepartmentTree(), tags: [Int: TagHolders] = [:]) {
        self.tree = tree
        self.tags = tags
    }

    /// The member with the departments above their own, and their tags.
    public func placed(_ member: DirectoryMember) -> DirectoryMember {
        var placed = member
        placed.departments = tree.withAbove(member.departments)
        placed.tags = tags(of: member.user, in: placed.departments)
        return placed
    }

    /// Whether that is still all that there is to say of a member who was placed before, as far as it can be told from what they are in.
    public func fits(user: String, departments: [Int], tags: [Int]) -> Bool {
        Set(tree.withAbove(departments)) == Set(departments) && self.tags(of: user, in: departments) == tags
    }

    /// Ascending.
    private func tags(of user: String, in departments: [Int]) -> [Int] {
        let user = user.lowercased()
        return tags.filter { $0.value.users.contains(user) || !$0.value.departments.isDisjoint(with: departments) }.keys.sorted()
    }
}
