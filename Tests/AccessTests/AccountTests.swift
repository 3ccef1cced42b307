import Access
import Testing

@Suite struct AccountResolutionTests {
    private func rules(_ mode: AccountRules.Mode = .open, _ match: Set<AccountRules.Field> = [], asks: Bool = false) -> AccountRules {
        var rules = AccountRules()
        (rules.mode, rules.match, rules.asksForCode) = (mode, match, asks)
        return rules
    }

    private func search(_ connection: String = "corp", _ user: String = "ZhangSan", own: String? = nil) -> AccountSearch {
        AccountSearch(Person(connection: connection, user: user), ownName: own ?? user)
    }

    private func resolve(_ found: AccountFindings, _ rules: AccountRules, _ search: AccountSearch? = nil, needsTable: Bool = false) -> AccountResolution {
        AccountResolution(search ?? self.search(), found, rules, needsTable: needsTable)
    }

    private func account(_ name: String, _ people: (String, String)...) -> Account {
        Account(name, bindings: people.map { AccountBinding(Person(connection: $0.0, user: $0.1)) })
    }

    @Test func aBindingGoesBeforeEverythingElse() {
        let mine = account("boss", ("corp", "zhangsan"))
        let found = AccountFindings(bound: mine, matching: [account("other"), account("third")], hasOwnName: true)
        for rules in [rules(), rules(.known), rules(.open, asks: true)] {
            #expect(resolve(found, rules) == .bound(mine))
            #expect(resolve(found, rules, needsTable: true) == .bound(mine))
        }
    }

    @Test func theOnlyFreeMatchIsTheirsAndTwoAreADoubt() {
        let one = account("boss"), two = account("chief")
        #expect(resolve(AccountFindings(matching: [one]), rules(.known, [.email])) == .match(one))
        #expect(resolve(AccountFindings(matching: [one, two]), rules(.known, [.email])) == .refused(.ambiguous))
        #expect(resolve(AccountFindings(matching: [one, two]), rules(.open, [.email], asks: true)) == .refused(.ambiguous))
    }

    @Test func anAccountThatIsBoundToSomebodyOfThatConnectionIsNeverMatchedAgain() {
        let others = account("boss", ("corp", "lisi"))
        #expect(resolve(AccountFindings(matching: [others]), rules(.known, [.email])) == .refused(.unknown))
        let free = account("chief", ("east", "lisi"))
        #expect(resolve(AccountFindings(matching: [others, free]), rules(.known, [.email])) == .match(free))
    }

    @Test func whoMatchesNothingHasTheirOwnAccountOnlyWhereEverybodyDoes() {
        #expect(resolve(AccountFindings(), rules()) == .own("ZhangSan"))
        #expect(resolve(AccountFindings(), rules(), search("east", "ZhangSan", own: "east/ZhangSan")) == .own("east/ZhangSan"))
        #expect(resolve(AccountFindings(), rules(.known)) == .refused(.unknown))
        #expect(resolve(AccountFindings(), rules(), needsTable: true) == .refused(.unknown))
    }

    @Test func nobodyGetsAnAccountOfTheTableJustBecauseTheirUserIDIsItsName() {
        #expect(resolve(AccountFindings(hasOwnName: true), rules()) == .refused(.taken))
        let others = account("zhangsan", ("corp", "lisi"))
        #expect(resolve(AccountFindings(matching: [others], hasOwnName: true), rules(.open, [.id])) == .refused(.taken))
        #expect(resolve(AccountFindings(hasOwnName: true), rules(.open, asks: true)) == .ask(ownName: nil))
    }

    @Test func whoMatchesNothingIsAskedWhereThatIsWished() {
        #expect(resolve(AccountFindings(), rules(.open, asks: true)) == .ask(ownName: "ZhangSan"))
        #expect(resolve(AccountFindings(), rules(.known, asks: true)) == .ask(ownName: nil))
        #expect(resolve(AccountFindings(), rules(.open, asks: true), needsTable: true) == .ask(ownName: nil))
    }

    @Test func aSearchAsksForNothingThatIsNotToBeMatched() {
        let details = AccountDetails(name: "boss", email: "Z@Corp.example", mobile: "+86 138-0013-8000")
        let person = Person(connection: "east", user: "ZhangSan")
        let none = AccountSearch(person, ownName: "east/ZhangSan", details: details)
        #expect(none.names == [] && none.email == nil && none.mobile == nil)
        let all = AccountSearch(person, ownName: "east/ZhangSan", details: details, match: [.id, .email, .mobile])
        #expect(all.names == ["zhangsan", "east/zhangsan"] && all.email == "z@corp.example" && all.mobile == "13800138000")
    }
}

@Suite struct AccountValueTests {
    @Test func peopleAreTheSameByConnectionAndUserIDButForCase() {
        #expect(Person(connection: "corp", user: "ZhangSan") == Person(connection: "corp", user: "zhangsan"))
        #expect(Person(connection: "corp", user: "zhangsan") != Person(connection: "east", user: "zhangsan"))
        #expect(Set([Person(connection: "corp", user: "A"), Person(connection: "corp", user: "a")]).count == 1)
    }

    @Test func whatOneRowLeavesEmptyComesFromTheAccountAndItsOtherBindings() {
        let corp = Person(connection: "corp", user: "zhangsan"), weixin = Person(connection: "weixin", user: "oABC")
        var account = Account(
            "zhang", details: AccountDetails(name: "Zhang"),
            bindings: [AccountBinding(corp, details: AccountDetails(email: "z@x.example")), AccountBinding(weixin, details: AccountDetails(mobile: "1"))])
        #expect(account.details(of: weixin) == AccountDetails(name: "Zhang", email: "z@x.example", mobile: "1"))
        #expect(account.details(of: corp) == AccountDetails(name: "Zhang", email: "z@x.example", mobile: "1"))
        account.bindings.append(AccountBinding(Person(connection: "corp", user: "lisi")))
        #expect(account.isShared)
        #expect(account.details(of: weixin) == AccountDetails(name: "Zhang", mobile: "1"))
        #expect(account.details(of: Person(connection: "corp", user: "LISI")) == AccountDetails(name: "Zhang"))
    }

    @Test(arguments: [
        ("Z@Corp.Example", "z@corp.example"), ("a@corp.test@evil.test", nil), ("a@corp.test.", "a@corp.test."), ("", nil), ("a", nil), ("@b", nil), ("a@", nil),
        ("a b@c", nil), ("\u{212A}@corp.example", nil), ("张@corp.example", nil),
    ] as [(String, String?)])
    func mailIsComparedWholeAndInLowerCase(_ text: String, _ key: String?) {
        #expect(AccountText.emailKey(text) == key)
    }

    @Test(arguments: [
        ("13800138000", "13800138000"), ("+86 138-0013-8000", "13800138000"), ("0086 13800138000", "13800138000"), ("8613800138000", "13800138000"),
        ("(138) 0013.8000", "13800138000"), ("+852 1234 5678", "+85212345678"), ("0085212345678", "+85212345678"), ("12345678", "12345678"),
        ("+8610 12345678", "+861012345678"), ("1.38E+10", nil), ("1234", nil), ("", nil), ("138００138000", nil), ("+", nil), ("123456789012345678901", nil),
    ] as [(String, String?)])
    func mobileNumbersAreComparedWithoutTheirWrapping(_ text: String, _ key: String?) {
        #expect(AccountText.mobileKey(text) == key)
    }

    @Test(arguments: [
        ("zhangsan", true), ("east/zhangsan", true), ("CORP\\z", true), ("张三", true), ("", false), ("a b", false), ("a\tb", false), ("é", false), ("Ａ", false),
        ("\u{F900}", false), (String(repeating: "a", count: 128), true), (String(repeating: "a", count: 129), false),
    ])
    func namesAreOfCharactersThatCanBeWrittenInOneWayOnly(_ text: String, _ fits: Bool) {
        #expect(AccountText.isName(text) == fits)
    }

    @Test func displayNamesHaveNoControlsAndTurnNothingAround() {
        #expect(AccountText.isDisplayName("张三 (Zhang) é") && AccountText.isDisplayName(""))
        for bad in ["a\nb", "a\u{7F}", "a\u{85}", "a\u{202E}b", "\u{2066}a", "\u{FEFF}a"] { #expect(!AccountText.isDisplayName(bad)) }
    }
}

@Suite struct BindingCodeTests {
    @Test func aCodeIsTenCharactersThatCannotBeMistaken() throws {
        var seed: UInt8 = 0
        let code = BindingCode { count in
            defer { seed &+= 1 }
            return (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37 + Int(seed)) }
        }
        #expect(code.text.utf8.count == 10)
        #expect(!code.text.contains { "01OIL".contains($0) } && code.text == code.text.uppercased())
    }

    @Test func bytesThatWouldFavourSomeLettersAreNotUsed() {
        var rounds = 0
        let code = BindingCode { count in
            rounds += 1
            return [UInt8](repeating: rounds == 1 ? 255 : 30, count: count)
        }
        #expect(rounds == 2 && code.text == "ZZZZZZZZZZ")
    }

    @Test func caseBlanksAndHyphensDoNotCount() {
        #expect(BindingCode(typed: " abcde-fgh23 ")?.text == "ABCDEFGH23")
        for bad in ["", "ABCDEFGH2", "ABCDEFGH234", "ABCDEFGHI2", "ABCDEFGH20", "ABCDE_GH23", String(repeating: "-", count: 60) + "ABCDEFGH23"] {
            #expect(BindingCode(typed: bad) == nil, "\(bad)")
        }
    }
}
