internal import Access
internal import Bytes
internal import Proxy
internal import WeCom

/// What the account table means for somebody whom a connection vouches for.
enum AccountStanding: Equatable {
    /// They may come in, under this account.
    case account(Member)
    /// They are asked for a binding code, or may go on under their own account where it has a name here.
    case ask(ownName: String?)
    case refused(LoginFailure)
}

extension Portal {
    /// Which account a member has. A first match is written into the table, so that it is theirs from then on.
    /// - Parameter member: as the connection vouches for them, under the account that their user id gives.
    func standing(of member: Member, _ connection: ConnectionOptions, _ asked: Asked) async throws(Trouble) -> AccountStanding {
        guard let accounts else { return connection.needsAccount ? .refused(.unknownAccount) : .account(member) }
        let search = AccountSearch(member.person, ownName: member.account, details: member.details, match: options.accounts.match)
        // Between looking and binding others may be faster; then the table is looked at again.
        for _ in 0..<4 {
            let found = try await Trouble.store { () async throws(StoreFailure) in try await accounts.find(search) }
            switch AccountResolution(search, found, options.accounts, needsTable: connection.needsAccount) {
            case .bound(let account): return .account(member.known(as: account, connection))
            case .own: return .account(member)
            case .match(let account):
                _ = try await Trouble.store { () async throws(StoreFailure) in
                    try await accounts.bindFirst(member.person, to: account.name, now: asked.now)
                }
            case .ask(let ownName):
                if options.asksForCode { return .ask(ownName: ownName) }
                return ownName == nil ? .refused(.unknownAccount) : .account(member)
            case .refused(let why): return .refused(LoginFailure(why))
            }
        }
        return .refused(.busy)
    }

    /// What follows from it: a session, the question for a code, or a page that says why not.
    func conclude(
        _ standing: AccountStanding, _ login: PendingLogin, _ connection: ConnectionOptions, _ asked: Asked, cutsFragment: Bool
    ) async throws(Trouble) -> OwnResponse {
        switch standing {
        case .account(let member):
            return try await arrive(
                member, amr: login.amr, identified: login.identified, checked: login.checked, login.journey, asked, cutsFragment: cutsFragment)
        case .ask(let ownName):
            var login = login
            login.ownName = ownName
            return try await askForCode(login, asked, cutsFragment: cutsFragment)
        case .refused(let failure):
            records.loginFailed(LoginRefusal(failure), connection: connection.id, asked)
            return failurePage(failure, asked, connection, login.journey)
        }
    }
}

/// Whether the account under which somebody is logged in is still theirs.
enum AccountTie {
    /// The one that their user id gives; the table does not know them.
    case own
    case table(Account)
    /// It is theirs no more, or their own name is somebody else's in the table by now.
    case cut
}

extension AccountStore {
    func tie(of member: Member, _ connection: ConnectionOptions) async throws(StoreFailure) -> AccountTie {
        let known = try await find(AccountSearch(member.person, ownName: PortalOptions.account(user: member.user, connection: connection)))
        guard let account = known.bound else { return member.isInTable || known.hasOwnName ? .cut : .own }
        return account.key == member.accountKey ? .table(account) : .cut
    }
}

extension Member {
    var details: AccountDetails { AccountDetails(name: name, email: email, mobile: mobile) }

    /// The same person under an account of the table, with what the table tells of them where their connection tells nothing. A name in WeChat is
    /// whatever its owner likes: there the table's goes first.
    func known(as account: Account, _ connection: ConnectionOptions) -> Member {
        var member = self
        (member.account, member.isInTable) = (account.name, true)
        let told = account.details(of: person)
        let all = connection.wecom == nil ? told.filled(from: details) : details.filled(from: told)
        (member.name, member.email, member.mobile) = (all.name, all.email, all.mobile)
        return member
    }
}

extension ConnectionOptions {
    /// Its people have no account by themselves: WeChat vouches for anybody in the world.
    var needsAccount: Bool { wecom == nil }
}

extension LoginFailure {
    init(_ refusal: AccountResolution.Refusal) {
        switch refusal {
        case .unknown: self = .unknownAccount
        case .ambiguous: self = .ambiguousAccount
        case .taken: self = .accountTaken
        }
    }
}
