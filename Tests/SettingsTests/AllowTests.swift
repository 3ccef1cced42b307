import Access
import Bytes
import Foundation
import Proxy
import Testing

@testable import Settings

@Suite struct AllowTests {
    private static let connections = """
        connections:
          - { id: corp, plain_names: true, corp_id: ww1, agent_id: 1, secret: { file: secrets/wecom } }
          - { id: east, auto_login: false, corp_id: ww2, agent_id: 2, secret: { file: secrets/wecom } }
        """

    private func rules(_ access: String) throws -> [Rule] {
        let text = Sample.site("access: " + access).replacingOccurrences(of: Sample.connections, with: Self.connections)
        let result = try Workspace().load(text)
        #expect(result.messages == [])
        return try #require(result.configuration).sites[0].rules
    }

    @Test func everyKeyIsRead() throws {
        let rules = try rules("""
            [ { path: /a, max_age: 15m, allow: { users: [ZhangSan, east/lisi, 1001], departments: [3, "4", east/3], tags: [7, east/7], connections: [east], networks: [10.0.0.0/8, "::1"], hours: "Mon-Fri 08:00-20:00 Asia/Shanghai" } }, { path: /b, allow: { anyone: true, networks: [192.0.2.1] } }, { path: /c, allow: { hours: ["08:00-12:00 UTC", "Sat 22:00-06:00 UTC"] } }, { path: /d, allow: { anyone: true } }, { allow: members, max_age: null } ]
            """)
        let first = rules[0].allow
        #expect(first.users == ["zhangsan", "east/lisi", "1001"])
        #expect(first.departments == [.init(connection: "corp", id: 3), .init(connection: "corp", id: 4), .init(connection: "east", id: 3)])
        #expect(first.tags == [.init(connection: "corp", id: 7), .init(connection: "east", id: 7)])
        #expect(first.connections == ["east"])
        #expect(first.networks == ["10.0.0.0/8", "::1/128"].compactMap { IPNetwork($0) })
        #expect(first.hours?.map(\.days) == [0b11111] && first.hours?.map(\.from) == [480] && first.hours?.map(\.until) == [1200])
        #expect(rules[0].maxAge == .seconds(900) && first.asksLogin)
        #expect(!rules[1].allow.asksLogin && rules[1].allow.networks == ["192.0.2.1/32"].compactMap { IPNetwork($0) })
        #expect(rules[2].allow.hours?.count == 2)
        #expect(rules[3].allow == .anyone)
        #expect(rules[4].allow == .members && rules[4].maxAge == nil)
    }

    @Test func withoutPlainNamesEveryNumberNamesItsConnection() throws {
        let text = Sample.site("access: [ { allow: { departments: [3] } } ]").replacingOccurrences(of: Sample.connections, with: Self.connections.replacingOccurrences(of: "plain_names: true", with: "plain_names: false").replacingOccurrences(of: "auto_login", with: "plain_names: false, auto_login"))
        #expect(try Workspace().faults(text) == ["11:40: \"3\": no connection has plain_names, so departments are written \"CONNECTION/3\""])
    }

    /// What cannot be read itself is not what rules are measured by.
    @Test func aConnectionAtFaultMakesNoFaultsInRules() throws {
        let text = Sample.site("access: [ { allow: { departments: [3, east/4], connections: [east] } } ]").replacingOccurrences(of: "corp_id: ww0123456789abcdef, ", with: "")
        #expect(try Workspace().faults(text).count == 1)
    }

    @Test func defaultsOfSitesHoldForRulesAndEnforcement() throws {
        let text = Sample.with("""
              - { id: b, origin: https://b.corp.example, upstream: http://b, enforcement: required, access: [ { allow: members } ] }
            site_defaults: { enforcement: login, access: [ { allow: { tags: [7] }, max_age: 1h } ] }
            """)
        let result = try Workspace().load(text)
        let sites = try #require(result.configuration).sites
        #expect(sites.map(\.enforcement) == [.login, .required])
        #expect(sites[0].rules[0].allow.tags == [.init(connection: "corp", id: 7)] && sites[0].rules[0].maxAge == .seconds(3600))
        #expect(sites[1].rules[0].allow == .members)
        #expect(result.warnings.map(\.message) == ["\"wiki\" lets in whoever logs in: with \"enforcement: login\" its rules are only recorded"])
    }
}

@Suite struct HoursTextTests {
    private func parse(_ text: String) throws -> OpenHours { try HoursText.parse(text) { $0 == "UTC" ? .utc : nil } }

    @Test(arguments: [
        ("Mon-Fri 08:00-20:00 UTC", 0b11111), ("mon-fri 08:00-20:00 UTC", 0b11111), ("Monday-Friday 8:00-20:00 UTC", 0b11111), ("Mon – Fri 08:00 – 20:00 UTC", 0b11111),
        ("Mon..Fri 08:00-20:00 UTC", 0b11111), ("Mon, Wed, Sat 08:00-20:00 UTC", 0b100101), ("Mon,Wed-Fri,Sun 08:00-20:00 UTC", 0b1011101),
        ("Sat-Mon 08:00-20:00 UTC", 0b1100001), ("Sun 08:00-20:00 UTC", 0b1000000), ("08:00-20:00 UTC", 0b1111111), ("daily 08:00-20:00 UTC", 0b1111111),
        ("周一至周五 08:00-20:00 UTC", 0b11111), ("星期一-星期五 08：00-20：00 UTC", 0b11111), ("周六、周日 8:00-20:00 UTC", 0b1100000), ("每天 08:00-20:00 UTC", 0b1111111),
        ("  Tue   08:00-20:00\u{3000}UTC ", 0b10), ("Thurs 08:00-20:00 UTC", 0b1000), ("Mon-Sun 08:00-20:00 UTC", 0b1111111),
    ] as [(String, UInt8)])
    func daysAsPeopleWriteThem(text: String, days: UInt8) throws {
        #expect(try parse(text) == OpenHours(days: days, from: 480, until: 1200, zone: .utc))
    }

    @Test(arguments: [("22:00-06:00", 1320, 360), ("00:00-24:00", 0, 1440), ("18:30-00:00", 1110, 1440), ("0:05-9:07", 5, 547)])
    func times(text: String, from: Int, until: Int) throws {
        #expect(try parse(text + " UTC") == OpenHours(days: 127, from: from, until: until, zone: .utc))
    }

    @Test(arguments: [
        "", "UTC", "08:00 UTC", "08:00-20:00", "8-20 UTC", "08:00-20:00-21:00 UTC", "24:00-08:00 UTC", "08:60-20:00 UTC", "08:00-20:00 UTC UTC", "Mon Tue 08:00-20:00 UTC",
        "Mon- 08:00-20:00 UTC", "-Fri 08:00-20:00 UTC", "Mon,,Tue 08:00-20:00 UTC", "周八 08:00-20:00 UTC", "08:00-20:00 Nowhere/City", "08:0a-20:00 UTC", "+8:00-20:00 UTC",
    ])
    func whatIsNone(text: String) { #expect(throws: Misread.self) { try parse(text) } }
}
