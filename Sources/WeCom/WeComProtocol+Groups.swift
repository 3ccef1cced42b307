extension WeComProtocol {
    /// The largest answer about departments or tags that is read, in bytes: 30,000 departments are some 2 MiB.
    public static let groupsLimit = 8 << 20

    // MARK: department/simplelist (developer document 95406)

    public func departments(token: Hidden) -> APICall {
        call("department/simplelist", ["access_token": token.text])
    }

    public func readDepartments(_ answer: APIAnswer) throws(WeComError) -> DepartmentTree {
        struct Entry: Decodable, Equatable {
            var id: Int
            var parentid: Int
        }
        let api = "department/simplelist"
        let reader = try open(answer, of: api, limit: Self.groupsLimit)
        guard let entries = try reader.value("department_id", as: [Entry].self), entries.count <= DepartmentTree.limit else { throw .badAnswer(api) }
        var parents: [Int: Int] = [:]
        for entry in entries {
            // Two that contradict each other: which of them is true cannot be told.
            if let other = parents.updateValue(entry.parentid, forKey: entry.id), other != entry.parentid { throw .badAnswer(api) }
        }
        return DepartmentTree(parents: parents)
    }

    // MARK: department/get (developer document 95407)

    public func department(_ id: Int, token: Hidden) -> APICall {
        call("department/get", ["access_token": token.text, "id": String(id)])
    }

    /// That the app may see it is all that is read.
    public func confirmDepartment(_ answer: APIAnswer) throws(WeComError) { _ = try open(answer, of: "department/get") }

    // MARK: tag/get (developer document 90213)

    public func tag(_ id: Int, token: Hidden) -> APICall {
        call("tag/get", ["access_token": token.text, "tagid": String(id)])
    }

    public func readTag(_ answer: APIAnswer) throws(WeComError) -> TagHolders {
        struct User: Decodable, Equatable {
            var userid: String
        }
        let reader = try open(answer, of: "tag/get", limit: Self.groupsLimit)
        let users: [User] = try reader.value("userlist") ?? []
        let departments: [Int] = try reader.value("partylist") ?? []
        return TagHolders(users: Set(users.map { $0.userid.lowercased() }), departments: Set(departments))
    }
}
