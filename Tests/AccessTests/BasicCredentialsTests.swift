import Access
import Foundation
import Testing

@Suite struct BasicCredentialsTests {
    private func rendered(_ template: String, _ who: Member, password: String = "pa:ss wörd") throws -> String? {
        var out: [UInt8] = [0x21]
        let sent = try BasicCredentials(user: template, password: password).render(who, plainNames: true, into: &out)
        guard sent else {
            #expect(out == [0x21])
            return nil
        }
        let text = String(decoding: out.dropFirst(), as: UTF8.self)
        #expect(text.hasPrefix("Basic "))
        return String(decoding: try #require(Data(base64Encoded: String(text.dropFirst(6)))), as: UTF8.self)
    }

    @Test("user and password stand with a colon between them, as UTF-8", arguments: [
        ("{account}", "zhangsan:pa:ss wörd"), ("{name}", "张三:pa:ss wörd"), ("{name|raw}", "张三:pa:ss wörd"), ("{name|base64}", "5byg5LiJ:pa:ss wörd"),
        ("用户-{account}", "用户-zhangsan:pa:ss wörd"), ("fixed", "fixed:pa:ss wörd"),
    ])
    func values(template: String, expected: String) throws { #expect(try rendered(template, member()) == expected) }

    @Test("no account makes another's user-id: colons, percent signs and controls are escaped", arguments: [
        ("a:b", "a%3Ab:x"), ("a%3Ab", "a%253Ab:x"), ("a\r\nb\u{7F}", "a%0D%0Ab%7F:x"), ("corp/zhang san", "corp/zhang san:x"),
    ])
    func hostile(account: String, expected: String) throws {
        #expect(try rendered("{account}", member(account), password: "x") == expected)
        #expect(try rendered("{account|raw}", member(account), password: "x") == expected)
    }

    @Test("where nothing is known of what is asked for, nothing is sent") func unknown() throws { #expect(try rendered("{mobile}", member()) == nil) }

    @Test("templates with faults", arguments: [("a:{account}", .colon), ("{nobody}", .unknownPlaceholder("nobody")), ("", .badLength), ("{account", .malformedBraces)] as [(String, IdentityHeaderFault)])
    func faults(template: String, expected: IdentityHeaderFault) {
        #expect(throws: expected) { try BasicCredentials(user: template, password: "x") }
    }

    @Test("printing does not show the password") func printing() throws {
        let basic = try BasicCredentials(user: "{account}", password: "hunter2")
        var dumped = ""
        dump(basic, to: &dumped)
        #expect(!"\(basic) \(String(reflecting: basic)) \(dumped)".contains("hunter2") && !dumped.contains("104"))
    }
}
