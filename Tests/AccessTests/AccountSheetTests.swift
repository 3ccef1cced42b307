import Access
import Foundation
import Testing

@Suite struct CSVReaderTests {
    private func records(_ text: String) -> [CSVReader.Record] { CSVReader(Array(text.utf8)).records }
    private func faults(_ text: String) -> [Int] { CSVReader(Array(text.utf8)).faults.map(\.line) }

    @Test func fieldsAreTakenApartAsTheyWereWritten() {
        #expect(records("a,b\r\n\"c,\"\"d\"\"\",\"e\nf\"\n\n\n,\n\"\"\ng").map(\.fields) == [["a", "b"], ["c,\"d\"", "e\nf"], ["", ""], ["g"]])
        #expect(records("a\n\"b\nc\"\nd").map(\.line) == [1, 2, 4])
        #expect(records("") == [] && records("\u{FEFF}a").map(\.fields) == [["a"]])
        #expect(records("a,").map(\.fields) == [["a", ""]])
    }

    @Test func whatIsNotWellFormedIsToldWithItsLineAndTheRestIsRead() {
        #expect(faults("a\nb\"c\nd") == [2] && records("a\nb\"c\nd").map(\.fields) == [["a"], ["d"]])
        #expect(faults("a\n\"b\"c\nd") == [2])
        #expect(faults("a\n\"b\nc") == [2])
        #expect(faults("a\rb") == [1])
        #expect(CSVReader([0x61, 0x0A, 0xFF, 0x0A, 0x62]).faults.map(\.line) == [2])
        #expect(CSVReader([0xFF, 0xFE, 0x61, 0]).faults.first?.message.contains("UTF-16") == true)
        #expect(faults(String(repeating: "\"a\"b\n", count: 1000)).count == CSVReader.mostFaults)
    }
}

@Suite struct AccountSheetTests {
    private func sheet(_ rows: String...) -> AccountSheet {
        AccountSheet(Array((["account,connection,user,name,email,mobile"] + rows).joined(separator: "\n").utf8)) { $0.connection == "corp" ? nil : "there is no such connection" }
    }
    private func fault(_ row: String) -> String { sheet(row).faults.map { "\($0.line): \($0.message)" }.joined(separator: "; ") }

    @Test func rowsTellOfAccountsAndOfPeople() {
        let sheet = sheet("boss,,,Boss,b@x.example,138-0013-8000", " boss , corp,ZhangSan,张三,,", "new,,,,,")
        #expect(sheet.faults == [])
        #expect(sheet.rows.map(\.line) == [2, 3, 4])
        #expect(sheet.rows.map(\.row) == [
            AccountRow("boss", details: AccountDetails(name: "Boss", email: "b@x.example", mobile: "138-0013-8000")),
            AccountRow("boss", Person(connection: "corp", user: "ZhangSan"), details: AccountDetails(name: "张三")), AccountRow("new"),
        ])
    }

    @Test(arguments: [
        ("a,,,,", "6 fields"), ("a,,,,,,", "6 fields"), (",corp,u,,,", "account is missing"), ("a b,,,,,", "visible ASCII"), ("a,corp,,,,", "go together"),
        ("a,,u,,,", "go together"), ("a,west,u,,,", "no such connection"), ("a,,,\"x\ny\",,", "control characters"), ("a,,,,zhang,", "\"@\""),
        ("a,,,,a@b@c,", "\"@\""), ("a,,,,,1.38E+10", "cells must be text"), ("a,,,,,abc", "no number"),
    ])
    func aRowThatCannotBeIsToldWithItsLine(_ row: String, _ word: String) {
        #expect(fault(row).hasPrefix("2: ") && fault(row).contains(word), "\(fault(row))")
    }

    @Test func rowsThatContradictEachOtherAreFaults() {
        #expect(sheet("a,corp,u,,,", "b,corp,U,,,").faults == [LineFault(line: 3, message: "line 2 says something else of corp/U")])
        #expect(sheet("a,,,X,,", "A,,,Y,,").faults == [LineFault(line: 3, message: "line 2 says something else of this account")])
        #expect(sheet("a,corp,u,,,", "A,corp,U,,,", "a,,,,,", "a,,,,,").faults == [])
    }

    @Test func theFirstLineMustBeTheHead() {
        #expect(AccountSheet([]) { _ in nil }.faults.map(\.line) == [1])
        #expect(AccountSheet(Array("account;connection;user;name;email;mobile".utf8)) { _ in nil }.faults.map(\.line) == [1])
        #expect(AccountSheet(Array("\u{FEFF}Account,Connection,User,Name,Email,Mobile\r\n".utf8)) { _ in nil } .faults == [])
    }

    @Test func whatIsWrittenIsReadBackTheSame() {
        let names = ["=1+1", "+1", "-1", "@x", "'=1", "''@", "'plain", "a\"b,c", "张三"]
        let accounts = names.enumerated().map { Account("a\($0.offset)", details: AccountDetails(name: $0.element, email: "x@y.example", mobile: "+852 12345678")) }
        let text = AccountSheet.text(accounts + [Account("@boss", bindings: [AccountBinding(Person(connection: "corp", user: "u"))])])
        #expect(text.split(separator: "\n").dropFirst().allSatisfy { line in !line.split(separator: ",").contains { "=+-@".contains($0.first ?? " ") } })
        let read = AccountSheet(Array(text.utf8)) { _ in nil }
        #expect(read.faults == [])
        #expect(read.rows.map(\.row) == accounts.map { AccountRow($0.name, details: $0.details) } + [AccountRow("@boss", Person(connection: "corp", user: "u"))])
    }

    @Test func anAccountThatIsOnePersonsHasTheSameDetailsInEachRow() {
        var account = Account(
            "boss", details: AccountDetails(name: "Boss"),
            bindings: [
                AccountBinding(Person(connection: "corp", user: "a"), agreed: AccountDetails(mobile: "138")), AccountBinding(Person(connection: "east", user: "b")),
            ])
        #expect(AccountSheet.rows(account).map(\.details) == [AccountDetails(name: "Boss", mobile: "138"), AccountDetails(name: "Boss", mobile: "138")])
        account.bindings[1].person.connection = "corp"
        #expect(AccountSheet.rows(account).map(\.details) == [AccountDetails(name: "Boss", mobile: "138"), AccountDetails(name: "Boss")])
    }
}

/// Inputs that the fuzzer once broke something with, and those it begins from, hold for ever.
@Suite struct KeptSheetTests {
    @Test func everyKeptInputHolds() throws {
        let fuzz = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fuzz")
        var count = 0
        for kind in ["Corpus", "Crashes"] {
            let folder = fuzz.appending(path: kind).appending(path: "AccountSheet")
            for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [] {
                #expect(AccountSheetCheck.check(Array(try Data(contentsOf: folder.appending(path: name)))) == nil, "\(kind)/\(name)")
                count += 1
            }
        }
        #expect(count >= 3)
    }
}
