public import Access
import WeCom

/// `accounts`: which account somebody logs in as.
public struct AccountOptions: Equatable, Sendable {
    public var rules = AccountRules()
    /// The file of the account table, as it can be opened; nil: there is none, and members have the accounts that their user ids give.
    public var file: String?
    public init() {}
}

extension Configuration {
    /// What speaks against a person in the account table; nil: nothing.
    public func problem(of person: Person) -> String? {
        guard let connection = connections.first(where: { $0.id == person.connection }) else {
            return "there is no connection \(quoted(person.connection))" + Suggestion.hint(for: person.connection, among: connections.map(\.id))
        }
        switch connection.kind {
        case .wecom:
            if case .own = UserID(person.user) { return nil }
            return "\(quoted(person.user)) is no user id of WeCom: 1 to 64 letters, digits and _ - @ . are expected, the first a letter or digit"
        case .wechat:
            let isID = (1...128).contains(person.user.utf8.count) && person.user.utf8.allSatisfy { ASCII.isAlphanumeric($0) || $0 == 0x2D || $0 == 0x5F }
            return isID ? nil : "\(quoted(person.user)) is no unionid or openid of WeChat: letters, digits, _ and - are expected"
        }
    }
}
