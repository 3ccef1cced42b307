public import Access
public import Bytes
internal import Synchronization
internal import Telemetry
internal import WeCom

/// Ends the sessions of people whose account is another by now: who was unbound or bound to something else, whose account was removed or is written
/// differently. They log in again, under the account that is theirs. One for the whole process.
public final class AccountWatch: Sendable {
    private let options: PortalOptions
    private let accounts: any AccountStore
    private let store: any SessionStore
    private let records: PortalRecords
    private let cursor = Mutex<Int64>(0)

    public init(options: PortalOptions, accounts: any AccountStore, store: any SessionStore, records: PortalRecords) {
        self.options = options
        self.accounts = accounts
        self.store = store
        self.records = records
    }

    /// Looks for changes of this process and of others: to be called every 500 ms, and never twice at once. What a large import changed is looked at in
    /// parts, between which others get their turn at the store.
    public func poll(now: WallTime) async throws(StoreFailure) {
        while true {
            let last = cursor.withLock { $0 }
            let (people, next) = try await accounts.changes(after: last)
            if !people.isEmpty {
                let assignments = try await assignments(of: people, now: now)
                let members = try await members(assignments.map(\.person), now: now)
                for sid in try await store.end(.reassigned(assignments), now: now) {
                    records.audit(AuditEvent(
                        .gone, account: members[sid]?.account, connection: members[sid]?.connection, sid: sid, result: "account-changed"))
                }
            }
            // Only now: what could not be done is tried again.
            cursor.withLock { $0 = next }
            if next == last { return }
        }
    }

    /// Whose sessions may be ended, by sid: for the record.
    private func members(_ people: [Person], now: WallTime) async throws(StoreFailure) -> [String: Member] {
        var members: [String: Member] = [:]
        for person in people {
            for session in try await store.sessions(connection: person.connection, user: person.user, now: now) { members[session.sid] = session.member }
        }
        return members
    }

    /// What account is whose by now: of the people themselves, and of whoever is logged in under an account that is one of theirs now.
    private func assignments(of people: [Person], now: WallTime) async throws(StoreFailure) -> [AccountAssignment] {
        var known: [Person: String?] = [:]
        for person in people { known[person] = .some(try await accountKey(of: person)) }
        for account in Set(known.values.compactMap { $0 }) {
            for session in try await store.list(account: account, now: now) where known[session.member.person] == nil {
                known[session.member.person] = .some(try await accountKey(of: session.member.person))
            }
        }
        return known.map { AccountAssignment($0, accountKey: $1) }
    }

    /// Under which account a person would log in now, without being matched anew.
    private func accountKey(of person: Person) async throws(StoreFailure) -> String? {
        guard let connection = options.connection(person.connection[...]) else { return nil }
        let ownName = PortalOptions.account(user: person.user, connection: connection)
        let search = AccountSearch(person, ownName: ownName)
        let found = try await accounts.find(search)
        switch AccountResolution(search, found, options.accounts, needsTable: connection.needsAccount) {
        case .bound(let account): return account.key
        case .own(let name), .ask(let name?): return name.lowercased()
        case .match, .ask(nil), .refused: return nil
        }
    }
}
