import Access
import Bytes
import Foundation
import Testing

@Suite struct OpenHoursTests {
    private static func zone(_ name: String) throws -> TimeZoneTable {
        try #require(TimeZoneTable(tzif: [UInt8](try Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/" + name)))))
    }

    private static func holds(_ days: UInt8, _ from: Int, _ until: Int, _ zone: String, _ at: String) throws -> Bool {
        OpenHours(days: days, from: from * 60, until: until * 60, zone: try Self.zone(zone)).contains(try #require(RFC3339.parse(at)))
    }

    @Test("by the clocks of their zone, the end not included", arguments: [
        ("2026-01-05T00:00:00Z", true), ("2026-01-04T23:59:59Z", false), ("2026-01-05T11:59:59Z", true), ("2026-01-05T12:00:00Z", false),
        ("2026-01-09T11:59:59Z", true), ("2026-01-10T04:00:00Z", false), ("2026-01-11T04:00:00Z", false),
    ] as [(String, Bool)])
    func workdays(at: String, expected: Bool) throws {
        // Monday to Friday, 08:00 to 20:00.
        #expect(try Self.holds(0b11111, 8, 20, "Asia/Shanghai", at) == expected)
    }

    @Test("past midnight they belong to the day on which they begin", arguments: [
        ("2026-01-09T14:00:00Z", true), ("2026-01-09T13:59:59Z", false), ("2026-01-09T21:59:59Z", true), ("2026-01-09T22:00:00Z", false),
        ("2026-01-08T21:00:00Z", false), ("2026-01-10T14:00:00Z", false),
    ] as [(String, Bool)])
    func nights(at: String, expected: Bool) throws {
        // Friday 22:00 to Saturday 06:00.
        #expect(try Self.holds(0b10000, 22, 6, "Asia/Shanghai", at) == expected)
    }

    @Test("a Sunday's night reaches into Monday, and the whole day is 00:00 to 24:00")
    func edges() throws {
        #expect(try Self.holds(0b100_0000, 22, 6, "UTC", "2026-01-12T05:59:59Z"))
        #expect(try !Self.holds(0b100_0000, 22, 6, "UTC", "2026-01-11T05:59:59Z"))
        #expect(try Self.holds(0b000_0001, 0, 24, "UTC", "2026-01-05T23:59:59Z"))
        #expect(try !Self.holds(0b000_0001, 0, 24, "UTC", "2026-01-06T00:00:00Z"))
        #expect(try Self.holds(0b100_0000, 0, 24, "UTC", "1969-12-28T12:00:00Z"), "before 1970 too")
    }

    @Test("summer time moves them", arguments: [
        ("2026-03-27T06:30:00Z", false), ("2026-03-27T07:00:00Z", true), ("2026-03-30T06:00:00Z", true), ("2026-03-30T05:59:59Z", false),
        // The night in which 02:30 is not there, and the one in which it is there twice.
        ("2026-03-29T00:59:59Z", false), ("2026-03-29T01:00:00Z", false),
    ] as [(String, Bool)])
    func summerTime(at: String, expected: Bool) throws { #expect(try Self.holds(0b111_1111, 8, 20, "Europe/Berlin", at) == expected) }
}
