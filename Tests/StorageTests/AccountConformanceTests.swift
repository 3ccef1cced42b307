import Access
import Bytes
import Crypto
import Testing

@testable import Storage

/// Every account table that the conformance tests are run against.
enum AccountKind: String, CaseIterable, Sendable {
    case sqlite

    func make(_ folder: TemporaryFolder) throws -> any AccountStore {
        switch self {
        case .sqlite: try Storage.SQLiteStore(path: folder.file(), sealing: try sealingKey(), limits: limits)
        }
    }
}

private func person(_ user: String, _ connection: String = "corp") -> Person { Person(connection: connection, user: user) }

private func search(
    _ user: String, _ connection: String = "corp", own: String? = nil, email: String = "", mobile: String = "", by: Set<AccountRules.Field> = [.id, .email, .mobile]
) -> AccountSearch {
    AccountSearch(person(user, connection), ownName: own ?? user, details: AccountDetails(email: email, mobile: mobile), match: by)
}

private func code(_ text: String) throws -> BindingCode { try #require(BindingCode(typed: text)) }

/// What every account table must do alike. A new one is added to `AccountKind` and passes all of it.
@Suite struct AccountConformanceTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func table(_ kind: AccountKind, _ rows: [AccountRow] = []) async throws -> any AccountStore {
        let table = try kind.make(folder)
        #expect(try await table.take(rows, now: start) == [])
        return table
    }

    // MARK: - Finding

    @Test(arguments: AccountKind.allCases) func anEmptyTableKnowsNobody(_ kind: AccountKind) async throws {
        let table = try await table(kind)
        #expect(try await table.find(search("zhangsan", email: "z@x.example", mobile: "13800138000")) == AccountFindings())
        #expect(try await table.accounts() == [])
        #expect(try await table.changes(after: 0) == (people: [], cursor: 0))
    }

    @Test(arguments: AccountKind.allCases) func aBoundPersonIsFoundInAnyCaseAndAtTheirConnectionOnly(_ kind: AccountKind) async throws {
        let details = AccountDetails(name: "张三", email: "z@x.example", mobile: "138")
        let table = try await table(kind, [AccountRow("Boss", person("ZhangSan"), details: details)])
        let found = try #require(try await table.find(search("zhangsan", by: [])).bound)
        #expect(found == Account("Boss", bindings: [AccountBinding(person("ZhangSan"), details: details)]))
        #expect(found.bindings[0].person.user == "ZhangSan")
        #expect(try await table.find(search("zhangsan", "east", by: [])).bound == nil)
    }

    @Test(arguments: AccountKind.allCases) func accountsAreFoundByWhatIsAskedForAndByNothingElse(_ kind: AccountKind) async throws {
        let table = try await table(
            kind,
            [
                AccountRow("ZhangSan"), AccountRow("mail", details: AccountDetails(email: "Z@X.example")),
                AccountRow("phone", details: AccountDetails(mobile: "+86 138-0013-8000")),
                AccountRow("row", person("lisi", "east"), details: AccountDetails(email: "l@x.example")),
            ])
        func names(_ search: AccountSearch) async throws -> [String] { try await table.find(search).matching.map(\.name) }
        #expect(try await names(search("zhangsan", by: [.id])) == ["ZhangSan"])
        #expect(try await names(search("zhangsan", by: [.email, .mobile])) == [])
        #expect(try await names(search("x", email: "z@x.EXAMPLE", by: [.email])) == ["mail"])
        #expect(try await names(search("x", email: "z@x.example", by: [.id, .mobile])) == [])
        #expect(try await names(search("x", mobile: "13800138000", by: [.mobile])) == ["phone"])
        #expect(try await names(search("x", email: "l@x.example", by: [.email])) == ["row"])
        #expect(try await names(search("x", "east", email: "l@x.example", by: [.email])) == [])
        #expect(try await names(search("x", email: "", mobile: "", by: [.email, .mobile])) == [])
        #expect(Set(try await names(search("zhangsan", email: "z@x.example", mobile: "13800138000"))).count == 2)
    }

    @Test(arguments: AccountKind.allCases) func oneAccountThatMatchesTwiceIsOneMatch(_ kind: AccountKind) async throws {
        let details = AccountDetails(email: "z@x.example", mobile: "13800138000")
        let table = try await table(kind, [AccountRow("zhangsan", details: details), AccountRow("zhangsan", person("z", "east"), details: details)])
        #expect(try await table.find(search("zhangsan", email: details.email, mobile: details.mobile)).matching.map(\.name) == ["zhangsan"])
    }

    @Test(arguments: AccountKind.allCases) func theTableTellsWhetherItHasTheirOwnName(_ kind: AccountKind) async throws {
        let table = try await table(kind, [AccountRow("East/ZhangSan")])
        #expect(try await table.find(search("zhangsan", "east", own: "east/zhangsan", by: [])).hasOwnName)
        #expect(try await !table.find(search("zhangsan", by: [])).hasOwnName)
    }

    // MARK: - Binding

    @Test(arguments: AccountKind.allCases) func ofTwoWhoMatchAtOnceOneIsBound(_ kind: AccountKind) async throws {
        let table = try await table(kind, [AccountRow("boss")])
        let won = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<20 { group.addTask { try await table.bindFirst(person("u\(number)"), to: "BOSS", now: start) } }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(won == 1)
        #expect(try await table.accounts()[0].bindings.count == 1)
        #expect(try await table.bindFirst(person("u0", "east"), to: "boss", now: start))
        #expect(try await !table.bindFirst(person("u0", "east"), to: "boss", now: start))
        #expect(try await !table.bindFirst(person("new"), to: "nobody", now: start))
    }

    @Test(arguments: AccountKind.allCases) func anAccountIsOpenedOnceAndForOnePerson(_ kind: AccountKind) async throws {
        let table = try await table(kind)
        #expect(try await table.openAccount("ZhangSan", for: person("zhangsan"), now: start))
        #expect(try await !table.openAccount("ZhangSan", for: person("zhangsan"), now: start))
        #expect(try await !table.openAccount("zhangsan", for: person("lisi"), now: start))
        #expect(try await !table.openAccount("other", for: person("ZHANGSAN"), now: start))
        #expect(try await table.accounts() == [Account("ZhangSan", bindings: [AccountBinding(person("zhangsan"))])])
    }

    @Test(arguments: AccountKind.allCases) func theAdministratorBindsWhomTheyLikeButNobodyTwice(_ kind: AccountKind) async throws {
        let table = try await table(kind, [AccountRow("finance", person("a")), AccountRow("finance", person("b")), AccountRow("boss")])
        #expect(try await table.take([AccountRow("boss", person("A"))], now: start) == [AccountConflict(row: 0, boundTo: "finance")])
        #expect(try await table.accounts().first { $0.name == "finance" }?.isShared == true)
    }

    @Test(arguments: AccountKind.allCases) func unbindingTakesOneConnectionOrAllAndTheAccountStays(_ kind: AccountKind) async throws {
        let table = try await table(
            kind,
            [
                AccountRow("boss", person("a"), details: AccountDetails(name: "A", email: "a@x.example")), AccountRow("boss", person("b", "east")),
            ])
        #expect(try await table.keep(agreed: AccountDetails(mobile: "138"), of: person("a")))
        #expect(try await table.unbind("nobody", connection: nil, now: start) == nil)
        #expect(try await table.unbind("boss", connection: "weixin", now: start) == [])
        #expect(try await table.unbind("Boss", connection: "corp", now: start) == [person("a")])
        // What the administrator wrote stays with the account; what the person agreed to is gone.
        #expect(try await table.accounts() == [Account("boss", details: AccountDetails(name: "A", email: "a@x.example"), bindings: [AccountBinding(person("b", "east"))])])
        #expect(try await table.unbind("boss", connection: nil, now: start) == [person("b", "east")])
        #expect(try await table.find(search("x", email: "a@x.example", by: [.email])).matching.map(\.name) == ["boss"])
    }

    @Test(arguments: AccountKind.allCases) func aRemovedAccountIsGoneWithItsBindingsAndCodes(_ kind: AccountKind) async throws {
        let table = try await table(kind, [AccountRow("boss", person("a"))])
        #expect(try await table.issue(try code("ABCDE23456"), for: "boss", now: start))
        #expect(try await table.remove("BOSS", now: start))
        #expect(try await !table.remove("boss", now: start))
        #expect(try await table.accounts() == [])
        #expect(try await table.take([AccountRow("boss")], now: start) == [])
        #expect(try await table.redeem(try code("ABCDE23456"), by: person("b"), now: start) == .wrong(triesLeft: 4))
    }

    // MARK: - Codes

    @Test(arguments: AccountKind.allCases) func aCodeBindsOnceAndOnlyWithinADay(_ kind: AccountKind) async throws {
        let table = try await table(kind, [AccountRow("boss"), AccountRow("chief")])
        #expect(try await !table.issue(try code("ABCDE23456"), for: "nobody", now: start))
        #expect(try await table.issue(try code("ABCDE23456"), for: "Boss", now: start))
        #expect(try await table.redeem(try code("ABCDE23456"), by: person("late"), now: after(86400)) == .wrong(triesLeft: 4))
        let bound = Account("boss", bindings: [AccountBinding(person("a"))])
        #expect(try await table.redeem(try code("abcde-23456"), by: person("a"), now: after(86399)) == .bound(bound))
        #expect(try await table.redeem(try code("ABCDE23456"), by: person("b"), now: after(86399)) == .wrong(triesLeft: 4))
        // Who is bound needs none, and uses none up.
        #expect(try await table.issue(try code("ZZZZZ23456"), for: "chief", now: after(86399)))
        #expect(try await table.redeem(try code("ZZZZZ23456"), by: person("A"), now: after(86399)) == .bound(bound))
        #expect(try await table.redeem(try code("ZZZZZ23456"), by: person("b"), now: after(86399)) == .bound(Account("chief", bindings: [AccountBinding(person("b"))])))
    }

    @Test(arguments: AccountKind.allCases) func aNewCodeTakesThePlaceOfTheOld(_ kind: AccountKind) async throws {
        let table = try await table(kind, [AccountRow("boss")])
        #expect(try await table.issue(try code("AAAAA23456"), for: "boss", now: start))
        #expect(try await table.issue(try code("BBBBB23456"), for: "boss", now: start))
        #expect(try await table.redeem(try code("AAAAA23456"), by: person("a"), now: start) == .wrong(triesLeft: 4))
        #expect(try await table.redeem(try code("BBBBB23456"), by: person("a"), now: start) == .bound(Account("boss", bindings: [AccountBinding(person("a"))])))
    }

    @Test(arguments: AccountKind.allCases) func afterFiveWrongCodesNotEvenAGoodOneHelpsUntilThereIsANewOne(_ kind: AccountKind) async throws {
        let table = try await table(kind, [AccountRow("boss"), AccountRow("chief")])
        #expect(try await table.issue(try code("AAAAA23456"), for: "boss", now: start))
        for left in [4, 3, 2, 1] { #expect(try await table.redeem(try code("BBBBB23456"), by: person("a"), now: after(Int64(10 - left))) == .wrong(triesLeft: left)) }
        #expect(try await table.redeem(nil, by: person("A"), now: after(9)) == .wrong(triesLeft: 0))
        #expect(try await table.redeem(try code("AAAAA23456"), by: person("a"), now: after(10)) == .spent)
        #expect(try await table.redeem(nil, by: person("b"), now: after(10)) == .wrong(triesLeft: 4))
        #expect(try await table.issue(try code("CCCCC23456"), for: "chief", now: after(11)))
        #expect(try await table.redeem(try code("AAAAA23456"), by: person("a"), now: after(12)) == .bound(Account("boss", bindings: [AccountBinding(person("a"))])))
    }

    @Test(arguments: AccountKind.allCases) func wrongCodesAreForgottenAfterADay(_ kind: AccountKind) async throws {
        let table = try await table(kind, [AccountRow("boss")])
        for _ in 0..<5 { _ = try await table.redeem(nil, by: person("a"), now: start) }
        #expect(try await table.redeem(nil, by: person("a"), now: after(86399)) == .spent)
        #expect(try await table.redeem(nil, by: person("a"), now: after(86400)) == .wrong(triesLeft: 4))
        #expect(try await table.redeem(nil, by: person("a"), now: after(86400)) == .wrong(triesLeft: 3))
    }

    @Test(arguments: AccountKind.allCases) func ofManyWhoTryACodeAtOnceOneIsBound(_ kind: AccountKind) async throws {
        let table = try await table(kind, [AccountRow("boss")])
        let good = try code("ABCDE23456")
        #expect(try await table.issue(good, for: "boss", now: start))
        let won = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<20 {
                group.addTask { if case .bound = try await table.redeem(good, by: person("u\(number)"), now: start) { true } else { false } }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(won == 1)
    }

    // MARK: - What people agreed to

    @Test(arguments: AccountKind.allCases) func whatAPersonAgreedToIsKeptWithThemAndMatchesNobody(_ kind: AccountKind) async throws {
        let table = try await table(kind, [AccountRow("boss", person("a"), details: AccountDetails(name: "A", email: "a@x.example"))])
        #expect(try await !table.keep(agreed: AccountDetails(mobile: "13800138000"), of: person("nobody")))
        #expect(try await table.keep(agreed: AccountDetails(email: "b@x.example", mobile: "13800138000"), of: person("A")))
        let account = try #require(try await table.find(search("a")).bound)
        #expect(account.details(of: person("a")) == AccountDetails(name: "A", email: "b@x.example", mobile: "13800138000"))
        #expect(try await table.find(search("x", "east", email: "b@x.example", mobile: "13800138000")).matching == [])
        #expect(try await table.find(search("x", "east", email: "a@x.example")).matching.map(\.name) == ["boss"])
        #expect(try await table.keep(agreed: AccountDetails(), of: person("a")))
        #expect(try await table.find(search("a")).bound?.details(of: person("a")) == AccountDetails(name: "A", email: "a@x.example"))
    }

    @Test(arguments: AccountKind.allCases) func whoWasAskedIsNotAskedAgainUntilThen(_ kind: AccountKind) async throws {
        let table = try await table(kind)
        #expect(try await table.askedUntil(person("a"), now: start) == nil)
        try await table.noteAsked(person("a"), until: after(10))
        #expect(try await table.askedUntil(person("A"), now: start) == after(10))
        #expect(try await table.askedUntil(person("a", "east"), now: start) == nil)
        #expect(try await table.askedUntil(person("a"), now: after(10)) == nil)
        try await table.noteAsked(person("a"), until: after(30))
        #expect(try await table.askedUntil(person("a"), now: after(10)) == after(30))
    }

    // MARK: - Imports

    @Test(arguments: AccountKind.allCases) func anImportAddsAndChangesAndIsTheSameTwice(_ kind: AccountKind) async throws {
        let table = try await table(kind, [AccountRow("old", details: AccountDetails(name: "Old")), AccountRow("boss", person("a"))])
        let rows = [
            AccountRow("Boss", details: AccountDetails(name: "Boss", email: "b@x.example")), AccountRow("boss", person("A"), details: AccountDetails(mobile: "138")),
            AccountRow("boss", person("b", "east")), AccountRow("new"),
        ]
        for _ in 0..<2 {
            #expect(try await table.take(rows, now: start) == [])
            let accounts = try await table.accounts()
            #expect(accounts.map(\.name) == ["boss", "new", "old"])
            #expect(accounts[0].details == AccountDetails(name: "Boss", email: "b@x.example"))
            #expect(accounts[0].bindings == [AccountBinding(person("a"), details: AccountDetails(mobile: "138")), AccountBinding(person("b", "east"))])
            #expect(accounts[0].bindings[0].person.user == "A")
            #expect(accounts[2].details == AccountDetails(name: "Old"))
        }
        // What is empty stays as it is, and what is new is found from then on, what was is not.
        #expect(try await table.take([AccountRow("boss", details: AccountDetails(email: "c@x.example"))], now: start) == [])
        #expect(try await table.accounts()[0].details == AccountDetails(name: "Boss", email: "c@x.example"))
        #expect(try await table.find(search("x", "weixin", email: "b@x.example")).matching == [])
        #expect(try await table.find(search("x", "weixin", email: "c@x.example")).matching.map(\.name) == ["boss"])
    }

    @Test(arguments: AccountKind.allCases) func whatIsKnownAlreadyStaysWhoseWordItIsAndWhatIsNewIsTheAdministrators(_ kind: AccountKind) async throws {
        let table = try await table(kind, [AccountRow("boss", person("a"), details: AccountDetails(name: "A"))])
        #expect(try await table.keep(agreed: AccountDetails(email: "a@x.example", mobile: "13800138000"), of: person("a")))
        let same = AccountDetails(name: "A", email: "a@x.example", mobile: "13800138000")
        #expect(try await table.take([AccountRow("boss", person("a"), details: same)], now: start) == [])
        #expect(try await table.accounts()[0].bindings[0].agreed == AccountDetails(email: "a@x.example", mobile: "13800138000"))
        #expect(try await table.find(search("x", "east", email: "a@x.example")).matching == [])
        #expect(try await table.take([AccountRow("boss", person("a"), details: AccountDetails(email: "b@x.example"))], now: start) == [])
        #expect(try await table.accounts()[0].details(of: person("a")) == AccountDetails(name: "A", email: "b@x.example", mobile: "13800138000"))
        #expect(try await table.find(search("x", "east", email: "b@x.example")).matching.map(\.name) == ["boss"])
    }

    @Test(arguments: AccountKind.allCases) func whereOneRowCannotBeTakenNoneIs(_ kind: AccountKind) async throws {
        let table = try await table(kind, [AccountRow("boss", person("a"))])
        let before = try await table.accounts()
        let rows = [AccountRow("new"), AccountRow("chief", person("A")), AccountRow("x", person("b")), AccountRow("y", person("B"))]
        #expect(try await table.take(rows, now: start) == [AccountConflict(row: 1, boundTo: "boss"), AccountConflict(row: 3, boundTo: "x")])
        #expect(try await table.accounts() == before)
    }

    // MARK: - Changes

    @Test(arguments: AccountKind.allCases) func whoseAccountMayBeAnotherIsTold(_ kind: AccountKind) async throws {
        let table = try await table(kind, [AccountRow("boss"), AccountRow("chief", person("c"))])
        var cursor = try await table.changes(after: 0).cursor
        func news() async throws -> Set<Person> {
            let (people, next) = try await table.changes(after: cursor)
            cursor = next
            return Set(people)
        }
        #expect(try await news() == [])
        #expect(try await table.bindFirst(person("a"), to: "boss", now: start))
        #expect(try await table.take([AccountRow("boss", person("b", "east"))], now: start) == [])
        #expect(try await news() == [person("a"), person("b", "east")])
        #expect(try await table.take([AccountRow("boss", details: AccountDetails(name: "B")), AccountRow("boss", person("a"))], now: start) == [])
        #expect(try await news() == [])
        #expect(try await table.take([AccountRow("BOSS")], now: start) == [])
        #expect(try await news() == [person("a"), person("b", "east")])
        _ = try await table.unbind("boss", connection: "corp", now: start)
        #expect(try await news() == [person("a")])
        _ = try await table.remove("chief", now: start)
        #expect(try await news() == [person("c")])
        #expect(try await table.openAccount("n", for: person("n"), now: start))
        #expect(try await news() == [person("n")])
    }

    @Test(arguments: AccountKind.allCases) func manyChangesComeInParts(_ kind: AccountKind) async throws {
        let table = try await table(kind, (0..<600).map { AccountRow("a\($0)", person("u\($0)")) })
        var (cursor, all, rounds): (Int64, Set<Person>, Int) = (0, [], 0)
        while true {
            let (people, next) = try await table.changes(after: cursor)
            if next == cursor { break }
            #expect(people.count <= 250)
            (cursor, rounds) = (next, rounds + 1)
            all.formUnion(people)
        }
        #expect(all.count == 600 && rounds == 3)
    }
}
