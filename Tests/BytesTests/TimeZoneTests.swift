import Bytes
import Foundation
import Testing

private func table(_ name: String) throws -> TimeZoneTable {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/" + name)))
    return try #require(TimeZoneTable(tzif: bytes))
}

private func time(_ text: String) throws -> WallTime { try #require(RFC3339.parse(text)) }

@Suite struct TimeZoneTests {
    @Test("the difference to UTC, summer time included, beyond the table's end too", arguments: [
        ("Asia/Shanghai", "2026-01-05T00:00:00Z", 28_800), ("Asia/Shanghai", "1988-07-01T00:00:00Z", 32_400), ("Asia/Kolkata", "2026-01-05T00:00:00Z", 19_800),
        ("Europe/Berlin", "2026-03-29T00:59:59Z", 3600), ("Europe/Berlin", "2026-03-29T01:00:00Z", 7200),
        ("Europe/Berlin", "2026-10-25T00:59:59Z", 7200), ("Europe/Berlin", "2026-10-25T01:00:00Z", 3600),
        ("Europe/Berlin", "2080-07-01T00:00:00Z", 7200), ("Europe/Berlin", "2080-12-31T23:30:00Z", 3600),
        ("America/New_York", "2050-03-13T06:59:59Z", -18_000), ("America/New_York", "2050-03-13T07:00:00Z", -14_400),
        ("Australia/Sydney", "2070-01-01T00:00:00Z", 39_600), ("Australia/Sydney", "2070-07-01T00:00:00Z", 36_000),
        ("Pacific/Chatham", "2026-01-05T00:00:00Z", 49_500), ("UTC", "2026-01-05T00:00:00Z", 0),
    ] as [(String, String, Int64)])
    func offsets(zone: String, at: String, expected: Int64) throws { #expect(try table(zone).offset(at: try time(at)) == expected) }

    @Test("agrees with another implementation, all through the years", arguments: [
        "Asia/Shanghai", "Asia/Tokyo", "Asia/Kolkata", "Europe/London", "Europe/Berlin", "America/New_York", "America/Los_Angeles", "Australia/Sydney",
    ])
    func agrees(zone: String) throws {
        let table = try table(zone)
        let other = try #require(TimeZone(identifier: zone))
        for day in stride(from: Int64(0), to: 50_000, by: 7) {
            let seconds = 300_000_000 + day * 86_400 + (day * 977) % 86_400
            #expect(table.offset(at: WallTime(seconds: seconds)) == Int64(other.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds)))), "\(seconds)")
        }
    }

    @Test("every zone of the system can be read")
    func allZones() throws {
        let folder = "/usr/share/zoneinfo"
        var count = 0
        for case let name as String in try #require(FileManager.default.enumerator(atPath: folder)) where name.contains("/") && !name.hasPrefix("right/") {
            guard let data = FileManager.default.contents(atPath: folder + "/" + name), data.starts(with: Array("TZif".utf8)) else { continue }
            #expect(TimeZoneTable(tzif: [UInt8](data)) != nil, "\(name)")
            count += 1
        }
        #expect(count > 300)
    }

    @Test("what is cut off or changed is no zone, or another, and never a crash")
    func damaged() throws {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/Europe/Berlin")))
        for length in 0..<bytes.count - 1 { #expect(TimeZoneTable(tzif: Array(bytes[..<length])) == nil) }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var other = bytes
            for _ in 0..<3 { other[Int.random(in: 0..<other.count, using: &random)] = .random(in: 0...255, using: &random) }
            _ = TimeZoneTable(tzif: other)?.offset(at: WallTime(seconds: .random(in: -1 << 40 ... 1 << 40, using: &random)))
        }
        #expect(TimeZoneTable(tzif: []) == nil)
    }

    @Test("rules for the years to come", arguments: [
        ("CST-8", "2026-07-01T00:00:00Z", 28_800), ("<+0530>-5:30", "2026-07-01T00:00:00Z", 19_800),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-07-01T00:00:00Z", 7200), ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-12-01T00:00:00Z", 3600),
        ("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-07-01T00:00:00Z", 3600), ("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-12-01T00:00:00Z", 0),
        ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-07-01T00:00:00Z", -3600), ("XXX3YYY,J60/0,J61/0", "2028-03-01T12:00:00Z", -7200),
        ("XXX3YYY,59/0,60/0", "2028-02-29T12:00:00Z", -7200), ("XXX3YYY,59/0,60/0", "2028-03-01T12:00:00Z", -10_800),
    ] as [(String, String, Int64)])
    func rules(text: String, at: String, expected: Int64) throws { #expect(try #require(Self.zone(text)).offset(at: try time(at)) == expected) }

    @Test("texts that are no rule", arguments: [
        "C", "CST", "CST-25", "CST-8CDT", "CST-8CDT,M3.5.0", "CST-8CDT,M13.5.0,M10.5.0", "CST-8CDT,M3.6.0,M10.5.0", "CST-8CDT,M3.5.7,M10.5.0", "CST-8CDT,J0,J1",
        "CST-8CDT,366,1", "<+08", "CST-8 ", "CST-8CDT,M3.5.0/168,M10.5.0", "8", "CST-",
    ])
    func noRules(text: String) { #expect(Self.zone(text) == nil) }

    /// A file of version 2 with no table but the rule.
    private static func zone(_ text: String) -> TimeZoneTable? {
        let header = Array("TZif2".utf8) + Array(repeating: 0, count: 15)
        func counts(_ types: UInt8) -> [UInt8] { Array(repeating: 0, count: 16) + [0, 0, 0, types] + [0, 0, 0, types] }
        return TimeZoneTable(tzif: header + counts(0) + header + counts(1) + [0, 0, 0, 0, 0, 0, 0] + [0x0A] + Array(text.utf8) + [0x0A])
    }
}
