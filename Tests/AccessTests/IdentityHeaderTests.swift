import Access
import Testing

@Suite struct IdentityHeaderTests {
    private func render(_ template: String, _ who: Member, plain: Bool = true) throws -> String? {
        var out: [UInt8] = [0x21]
        let sent = try IdentityHeader(name: "X-Test", template: template).render(who, plainNames: plain, into: &out)
        #expect(out[0] == 0x21 && (sent || out.count == 1))
        return sent ? String(decoding: out.dropFirst(), as: UTF8.self) : nil
    }

    private func named(_ name: String) -> Member {
        var who = member()
        who.name = name
        return who
    }

    @Test("templates become values", arguments: [
        ("{account}", "zhangsan"), ("{id}", "zhangsan"), ("{name}", "%E5%BC%A0%E4%B8%89"), ("{name|base64}", "5byg5LiJ"), ("{name|raw}", "张三"),
        ("{email}", "zhangsan@corp.example"), ("{departments}", "2,5,1"), ("{tags}", "7"), ("{groups}", "department:2,department:5,department:1,tag:7"),
        ("{connection}", "corp"), ("{corp}", "ww0123456789abcdef"), ("{account}@{corp}", "zhangsan@ww0123456789abcdef"), ("u={id} m={mobile}", "u=zhangsan m="),
        ("fixed", "fixed"),
    ])
    func templates(template: String, expected: String) throws { #expect(try render(template, member()) == expected) }

    @Test("without plain names departments and tags carry the connection")
    func prefixes() throws {
        #expect(try render("{groups}", member(), plain: false) == "department:corp/2,department:corp/5,department:corp/1,tag:corp/7")
        #expect(try render("{departments}", member(), plain: false) == "corp/2,corp/5,corp/1")
        #expect(try render("{tags}", member(), plain: false) == "corp/7")
    }

    @Test("where all placeholders are empty the header is not sent", arguments: ["{mobile}", "tel:{mobile}", "{mobile}{mobile|base64}{mobile|raw}"])
    func empty(template: String) throws { #expect(try render(template, member()) == nil) }

    @Test("lists are cut at the border of an item, and names as in the assertion, so that no header is longer than applications take", arguments: ["{departments}", "{groups}", "{tags}", "{name}"])
    func long(template: String) throws {
        var who = member()
        who.departments = (0..<5000).map { 100_000 + $0 }
        who.tags = (0..<5000).map { 200_000 + $0 }
        who.name = String(repeating: "名", count: 5000)
        let value = try #require(try render(template, who))
        #expect(value.utf8.count <= 2048 && value.utf8.count > 1000)
        if template == "{departments}" {
            let items = value.split(separator: ",").compactMap { Int($0) }
            #expect(items == Array(who.departments.prefix(items.count)) && (2048 - value.utf8.count) < 7)
        }
    }

    @Test("groups of nobody's lists are empty") func noGroups() throws {
        var who = member()
        (who.departments, who.tags) = ([], [])
        #expect(try render("{groups}", who) == nil)
    }

    @Test("no value can break out of its line", arguments: [
        ("a\r\nX-Role: admin", "a%0D%0AX-Role:%20admin", "a  X-Role: admin"), ("100%", "100%25", "100%"), ("a b", "a%20b", "a b"), ("\u{0}\u{7F}", "%00%7F", "  "),
        ("\u{85}x", "%C2%85x", " x"), ("~!\"", "~!\"", "~!\""), ("é", "%C3%A9", "é"), ("👩‍💻", "%F0%9F%91%A9%E2%80%8D%F0%9F%92%BB", "👩‍💻"),
    ])
    func hostile(name: String, percent: String, raw: String) throws {
        #expect(try render("{name}", named(name)) == percent)
        #expect(try render("{name|raw}", named(name)) == raw)
    }

    @Test("base64 is the standard one, padded", arguments: [("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj"), ("??>", "Pz8+"), ("???", "Pz8/")])
    func base64(name: String, expected: String) throws { #expect(try render("{name|base64}", named(name)) == expected) }

    @Test("templates with faults", arguments: [
        ("{nobody}", .unknownPlaceholder("nobody")), ("{}", .unknownPlaceholder("")), ("{Name}", .unknownPlaceholder("Name")), ("{ name}", .unknownPlaceholder(" name")),
        ("{name|hex}", .unknownEncoding("hex")), ("{name|}", .unknownEncoding("")), ("{name|raw|raw}", .unknownEncoding("raw|raw")), ("{name", .malformedBraces),
        ("name}", .malformedBraces), ("{{name}}", .malformedBraces), ("{name}}", .malformedBraces), ("", .badLength), ("a\nb", .controlCharacter),
        ("a\u{0}", .controlCharacter), (String(repeating: "x", count: 1025), .badLength),
    ] as [(String, IdentityHeaderFault)])
    func faults(template: String, expected: IdentityHeaderFault) {
        #expect(throws: expected) { try IdentityHeader(name: "X-Test", template: template) }
    }

    @Test("names that may not be used, in every spelling", arguments: [
        ("", .notAToken), ("X User", .notAToken), ("X:User", .notAToken), ("名", .notAToken), ("X-User\n", .notAToken), (String(repeating: "x", count: 129), .notAToken),
        ("Connection", .hopByHop), ("te", .hopByHop), ("Transfer_Encoding", .hopByHop), ("Upgrade", .hopByHop), ("Keep-Alive", .hopByHop), ("HTTP2-Settings", .hopByHop),
        ("Proxy-Authorization", .hopByHop), ("Host", .routes), ("content-length", .routes), ("Content_Type", .routes), ("Content-Anything", .routes), ("Cookie", .routes),
        ("Authorization", .routes), ("Expect", .routes), ("Range", .routes), ("Sec-WebSocket-Key", .routes), ("Origin", .routes), ("X-Menwei-User", .setByGateway),
        ("x.menwei.assertion", .setByGateway), ("X-Forwarded-For", .setByGateway), ("X_Forwarded_Proto", .setByGateway), ("X-Forwarded-Host", .setByGateway),
        ("X-Request-ID", .setByGateway), ("Signature", .setByGateway), ("Signature-Input", .setByGateway), ("X-Forwarded-Prefix", .setByGateway),
    ] as [(String, IdentityHeaderFault)])
    func names(name: String, expected: IdentityHeaderFault) {
        #expect(throws: expected) { try IdentityHeader(name: name, template: "{account}") }
        #expect(throws: expected) { try IdentityHeader.check(name: name) }
    }

    @Test("names that are in use", arguments: ["X-Forwarded-User", "Remote-User", "X-Remote-User", "X-WEBAUTH-USER", "X-Real-IP", "From", "Employee_Id", "X-Auth-Request-Email"])
    func goodNames(name: String) throws { #expect(try IdentityHeader(name: name, template: "{account}").name == name) }

    @Test("the defaults are the documented ones")
    func defaults() throws {
        let expected = [
            ("X-Forwarded-User", "{account}"), ("X-Forwarded-Preferred-Username", "{account}"), ("X-Forwarded-Name", "{name}"), ("X-Forwarded-Email", "{email}"),
            ("X-Forwarded-Groups", "{groups}"),
        ]
        #expect(try IdentityHeader.defaults == expected.map { try IdentityHeader(name: $0.0, template: $0.1) })
    }

    @Test("names that an application would take for one fold to one")
    func foldedNames() throws {
        let one = try IdentityHeader(name: "X-User", template: "{account}")
        for other in ["x-user", "X_User", "X.USER"] {
            let two = try IdentityHeader(name: other, template: "{id}")
            #expect(two.foldedName == one.foldedName)
        }
        #expect(try IdentityHeader(name: "XUser", template: "{id}").foldedName != one.foldedName)
        #expect(Set(IdentityHeader.defaults.map(\.foldedName)).count == IdentityHeader.defaults.count)
    }
}
