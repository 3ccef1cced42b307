import HTTP
import Testing

@testable import Proxy

@Suite struct HealthVerdictTests {
    private static func verdict(unhealthyAfter: Int = 3, healthyAfter: Int = 1) -> HealthVerdict {
        var options = SiteOptions.HealthCheck(path: "/")
        options.unhealthyAfter = unhealthyAfter
        options.healthyAfter = healthyAfter
        return HealthVerdict(options)
    }

    /// What each check changed: `-` unwell from now on, `+` well, `.` nothing.
    private static func changes(_ verdict: HealthVerdict, _ checks: String) -> String {
        var verdict = verdict
        return String(checks.map { check in
            verdict.note(succeeded: check == "+") ? (verdict.isWell ? "+" : "-") : "."
        })
    }

    @Test func itIsWellUntilASeriesOfChecksFailed() {
        #expect(Self.changes(Self.verdict(), "---") == "..-")
        #expect(Self.changes(Self.verdict(), "--+--+--") == "........")
    }

    @Test func oneSuccessBringsItBack() {
        #expect(Self.changes(Self.verdict(), "----+---") == "..-.+..-")
    }

    @Test func asManySuccessesAsAreAskedForBringItBack() {
        #expect(Self.changes(Self.verdict(unhealthyAfter: 1, healthyAfter: 3), "-++-+++") == "-.....+")
    }

    @Test func flagsAreOfOneUpstreamEach() {
        let health = UpstreamHealth(sites: 2)
        health.set(site: 1, upstream: 63, isWell: false)
        health.set(site: 1, upstream: 0, isWell: false)
        health.set(site: 1, upstream: 0, isWell: true)
        #expect(health.isWell(site: 0, upstream: 63) && health.isWell(site: 1, upstream: 0) && !health.isWell(site: 1, upstream: 63))
        let claims = [health.claim(), health.claim()]
        #expect(claims == [true, false])
    }

    @Test func afterAReloadWhatWasFoundStaysWhereItIsFoundInTheSameWay() {
        func site(_ id: String, _ hosts: [String], _ path: String) -> SiteOptions {
            var site = SiteOptions(id: id, origin: Origin(host: "a.test"), upstreams: hosts.map { UpstreamAddress(host: $0, port: 1, text: $0) })
            site.health = SiteOptions.HealthCheck(path: path)
            return site
        }
        let old = [site("wiki", ["a", "b"], "/healthz"), site("crm", ["a"], "/healthz")]
        let found = UpstreamHealth(sites: 2)
        found.set(site: 0, upstream: 1, isWell: false)
        found.set(site: 1, upstream: 0, isWell: false)
        let new = [site("crm", ["a"], "/other"), site("wiki", ["c", "b", "a"], "/healthz")]
        let health = UpstreamHealth(of: new, last: (old, found))
        #expect(health.isWell(site: 0, upstream: 0), "asked another question")
        let wiki = (0..<3).map { health.isWell(site: 1, upstream: $0) }
        #expect(wiki == [true, false, true])
    }
}
