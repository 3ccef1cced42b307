/// One member of a simulated corp (D/96255).
public struct SimulatedMember: Equatable, Sendable {
    /// 1–64 bytes of digits, letters and `_-@.`; compared without regard to case.
    public var userID: String
    public var name: String
    /// Department ids; the first is the main one.
    public var departments: [Int]
    public var position: String
    /// 1 active, 2 disabled, 4 not activated, 5 left.
    public var status: Int
    /// What only apps from before 2022-06-20 may read (`SimulatedApp.readsPrivateFields`), and what a `user_ticket` opens.
    public var mobile: String
    public var email: String
    public var bizMail: String

    public init(_ userID: String, _ name: String, in departments: [Int], position: String = "", status: Int = 1, mobile: String = "",
                email: String = "", bizMail: String = "") {
        self.userID = userID
        self.name = name
        self.departments = departments
        self.position = position
        self.status = status
        self.mobile = mobile
        self.email = email
        self.bizMail = bizMail
    }
}

/// One department; the root is 1, its parent 0 (D/95406).
public struct SimulatedDepartment: Equatable, Sendable {
    public var id: Int
    public var name: String
    public var parent: Int
    public var leaders: [String]

    public init(_ id: Int, _ name: String, parent: Int, leaders: [String] = []) {
        self.id = id
        self.name = name
        self.parent = parent
        self.leaders = leaders
    }
}

/// One tag: members and departments that carry it.
public struct SimulatedTag: Equatable, Sendable {
    public var id: Int
    public var name: String
    public var users: [String]
    public var departments: [Int]

    public init(_ id: Int, _ name: String, users: [String] = [], departments: [Int] = []) {
        self.id = id
        self.name = name
        self.users = users
        self.departments = departments
    }
}

/// Whoever can hold the phone.
public enum SimulatedPerson: Equatable, Sendable {
    case member(SimulatedMember)
    /// A member of a linked corp: `CorpId/userid` (D/96442).
    case linked(id: String, name: String)
    /// Somebody outside the corp: an openid, and an external_userid where they are a customer.
    case outsider(openID: String, externalUserID: String?, name: String)

    /// The word by which forms, cookies and the control interface choose this person.
    public var key: String {
        switch self {
        case .member(let member): member.userID
        case .linked(let id, _): id
        case .outsider(let openID, _, _): openID
        }
    }
    var name: String {
        switch self {
        case .member(let member): member.name
        case .linked(_, let name): name
        case .outsider(_, _, let name): name
        }
    }
}
