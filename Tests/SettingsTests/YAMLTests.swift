import Testing

@testable import Settings

@Suite struct YAMLTests {
    private func root(_ text: String) throws -> YAMLNode { try #require(try YAMLDocument(Array(text.utf8)).root) }

    private func entries(_ text: String) throws -> [YAMLNode.Entry] {
        guard case .mapping(let entries) = try root(text).content else { return [] }
        return entries
    }

    private func problem(_ text: String) -> String {
        do throws(YAMLFault) {
            let document = try YAMLDocument(Array(text.utf8))
            return document.faults.map { "\($0.mark.line):\($0.mark.column): \($0.message)" }.joined(separator: "; ")
        } catch {
            return "\(error.mark.line):\(error.mark.column): \(error.message)"
        }
    }

    @Test func keysAndValuesKnowWhereTheyStand() throws {
        let entries = try entries("# first\na: 1\n企业: { 微信: b }\n")
        #expect(entries.map(\.key) == ["a", "企业"])
        #expect(entries[0].keyMark == Mark(line: 2, column: 1))
        #expect(entries[0].value.mark == Mark(line: 2, column: 4))
        #expect(entries[1].value.mark == Mark(line: 3, column: 5))
        guard case .mapping(let inner) = entries[1].value.content else { throw YAMLFault(mark: .start, message: "no mapping") }
        #expect(inner[0].keyMark == Mark(line: 3, column: 7))
        #expect(inner[0].value.mark == Mark(line: 3, column: 11))
    }

    @Test(arguments: [
        ("true", YAMLScalar.Kind.boolean(true)), ("False", .boolean(false)), ("yes", .text), ("on", .text), ("no", .text), ("null", .null),
        ("~", .null), ("", .null), ("12", .integer), ("-3", .integer), ("0x1F", .integer), ("0o17", .integer), ("017", .integer), ("1_000", .text),
        ("1:30", .text), ("1.2", .float), ("1e3", .float), (".5", .float), (".inf", .float), ("-.inf", .float), (".nan", .float), ("-.nan", .text),
        (".", .text), ("1.", .float), ("e3", .text), ("1e", .text), ("0x", .text), ("+", .text), ("NULL", .null), ("nULL", .text), ("12h", .text),
    ])
    func plainScalarsFollowTheCoreSchema(text: String, kind: YAMLScalar.Kind) {
        #expect(YAMLScalar(text: text, isPlain: true).kind == kind)
        #expect(YAMLScalar(text: text, isPlain: false).kind == .text)
    }

    @Test func mergeKeysTakeInMappingsAndOwnKeysWin() throws {
        let entries = try entries("x-a: &a { p: 1, q: 2 }\nx-b: &b { q: 3, r: 4 }\ns:\n  q: own\n  <<: [ *a, *b ]\nt: { <<: *b }\nu: { <<: [ *b, *a ] }\n")
        func keys(_ index: Int) -> [String: String] {
            guard case .mapping(let inner) = entries[index].value.content else { return [:] }
            return inner.reduce(into: [:]) { if case .scalar(let scalar) = $1.value.content { $0[$1.key] = scalar.text } }
        }
        #expect(keys(2) == ["p": "1", "q": "own", "r": "4"])
        #expect(keys(3) == ["q": "3", "r": "4"])
        #expect(keys(4) == ["q": "3", "r": "4", "p": "1"])
    }

    @Test(arguments: [
        ("a: 1\nb: 2\na: 3\n", "3:1: the key \"a\" stands here a second time, first in line 1"),
        ("a: 1\n\"a\": 3\n", "2:1: the key \"a\" stands here a second time, first in line 1"),
        ("a: { <<: 5 }\n", "1:10: \"<<\" needs a mapping or a list of mappings, this is a number"),
        ("a: { <<: {}, <<: {} }\n", "1:14: the key \"<<\" stands here a second time, first in line 1"),
        ("a: *b\n", "1:4: the alias \"*b\" is not defined above"),
        ("a: &b [ *b ]\n", "1:9: the alias \"*b\" stands inside what it names"),
        ("a: !!str 5\n", "1:4: tags (\"!…\") are not read"),
        ("a: 1\n---\nb: 2\n", "2:1: only one document is read; this begins a second one"),
        ("[a]: 1\n", "1:1: a key must be a single text, this is a list"),
        ("a: [1\n", "2:1: not valid YAML: did not find expected ',' or ']' while parsing a flow sequence"),
        ("a: 1\n b: 2\n", "2:3: not valid YAML: mapping values are not allowed in this context (a text that ends in \":\" or holds \": \" needs quotes)"),
        ("a:\n\tb: 1\n", "2:1: not valid YAML: found character that cannot start any token while scanning for the next token (a tab? lines are indented with blanks)"),
        ("a: [ [::]:443 ]\n", "1:7: not valid YAML: did not find expected node content while parsing a flow node (a text that holds [ or ], such as \"[::]:443\", needs quotes)"),
        ("a: \u{1}\n", "1:4: a control character (U+0001) cannot stand here"),
        ("a: 1\nb: \u{0}\n", "2:4: a control character (U+0000) cannot stand here"),
    ])
    func whatIsWrongIsSaidWithItsPlace(text: String, message: String) {
        #expect(problem(text) == message)
    }

    @Test func bytesThatAreNotUTF8AreAFaultWithAPlace() {
        #expect(throws: YAMLFault(mark: Mark(line: 2, column: 4), message: "not valid UTF-8; save the file as UTF-8")) {
            try YAMLDocument(Array("a: 1\nb: ".utf8) + [0xFF, 0x0A])
        }
        #expect(throws: YAMLFault(mark: Mark(line: 1, column: 4), message: "not valid UTF-8; save the file as UTF-8")) {
            try YAMLDocument(Array("a: ".utf8) + [0xE4, 0xBC])
        }
    }

    @Test func aByteOrderMarkIsPassedOver() throws {
        #expect(try entries("\u{FEFF}a: 1\n")[0].keyMark == .start)
    }

    @Test func nestedAliasesAreAFaultBeforeTheyGrow() {
        var text = "a0: &a0 [ x, x, x, x, x, x, x, x, x, x ]\n"
        for level in 1...25 {
            text += "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ") + "]\n"
        }
        #expect(problem(text).hasSuffix("more than 50000 values, aliases counted as what they stand for"))
    }

    @Test func depthAndSizeHaveLimits() {
        #expect(problem("a: " + String(repeating: "[", count: 5000)) == "1:35: nested deeper than 32 levels")
        #expect(problem("a: " + String(repeating: "[", count: 30) + String(repeating: "]", count: 30)) == "")
        #expect(problem(String(repeating: "#", count: (1 << 20) + 1)) == "1:1: the file is larger than 1 MiB")
        #expect(problem("a: [" + String(repeating: "1,", count: 60000) + "]").hasSuffix("aliases counted as what they stand for"))
    }

    @Test(arguments: ["", "# nothing\n", "---\n", "~\n", "---\n...\n"])
    func aTextWithoutADocumentHasNoRoot(text: String) throws {
        #expect(try YAMLDocument(Array(text.utf8)).root == nil)
    }
}
