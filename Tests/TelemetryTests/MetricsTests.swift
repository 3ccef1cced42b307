import Bytes
import Testing

@testable import Telemetry

/// A small reader of the text format: name and labels to value. nil where a line is none.
func parsed(_ text: String) -> [String: Double]? {
    var samples: [String: Double] = [:]
    var types: [String: String] = [:]
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
        if line.isEmpty || line.hasPrefix("# HELP ") { continue }
        if line.hasPrefix("# TYPE ") {
            let words = line.split(separator: " ")
            guard words.count == 4, types.updateValue(String(words[3]), forKey: String(words[2])) == nil else { return nil }
            continue
        }
        guard let blank = line.lastIndex(of: " "), let value = Double(line[line.index(after: blank)...]) else { return nil }
        let key = String(line[..<blank])
        let name = String(key.prefix { $0 != "{" })
        let family = ["_bucket", "_sum", "_count"].reduce(name) { $0.hasSuffix($1) && types[String($0.dropLast($1.count))] == "histogram" ? String($0.dropLast($1.count)) : $0 }
        guard types[family] != nil, name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }) else { return nil }
        guard samples.updateValue(value, forKey: key) == nil else { return nil }
    }
    return text.hasSuffix("\n") ? samples : nil
}

@Suite struct MetricsTests {
    @Test func requestsOfAllWorkersAreSummed() {
        let metrics = Metrics(version: "1.0", commit: "abc")
        let one = metrics.shard(sites: ["wiki", "git"])
        let two = metrics.shard(sites: ["git", "wiki"])
        one.request(site: 0, status: 200, decision: .allow, durationNanoseconds: 900_000)
        two.request(site: 1, status: 200, decision: .allow, durationNanoseconds: 3_000_000)
        two.request(site: 0, status: 401, decision: .login, durationNanoseconds: 90_000_000_000)
        one.request(site: -1, status: 400, decision: .refused, durationNanoseconds: 0)
        one.request(site: 9, status: 421, decision: .refused, durationNanoseconds: 1_000_000)
        let samples = parsed(metrics.render())
        #expect(samples?[#"menwei_requests_total{site="wiki",code="200",decision="allow"}"#] == 2)
        #expect(samples?[#"menwei_requests_total{site="git",code="401",decision="login"}"#] == 1)
        #expect(samples?[#"menwei_requests_total{site="",code="400",decision="refused"}"#] == 1)
        #expect(samples?[#"menwei_requests_total{site="",code="421",decision="refused"}"#] == 1)
        #expect(samples?[#"menwei_request_duration_seconds_bucket{le="0.001"}"#] == 3)
        #expect(samples?[#"menwei_request_duration_seconds_bucket{le="0.005"}"#] == 4)
        #expect(samples?[#"menwei_request_duration_seconds_bucket{le="60"}"#] == 4)
        #expect(samples?[#"menwei_request_duration_seconds_bucket{le="+Inf"}"#] == 5)
        #expect(samples?["menwei_request_duration_seconds_count"] == 5)
        #expect(samples?["menwei_request_duration_seconds_sum"] == 90.0049)
    }

    @Test func everyStatusHasAPlaceAndLabelsAreBounded() {
        let metrics = Metrics(version: "1", commit: "")
        let shard = metrics.shard(sites: ["a"])
        for status in UInt16.min...UInt16.max { shard.request(site: 0, status: status, decision: .allow, durationNanoseconds: 1) }
        let samples = parsed(metrics.render())!.filter { $0.key.hasPrefix("menwei_requests_total") }
        #expect(samples.count == StatusCodes.count)
        #expect(samples.values.reduce(0, +) == 65536)
        #expect(samples[#"menwei_requests_total{site="a",code="200",decision="allow"}"#] == 1)
        #expect(samples[#"menwei_requests_total{site="a",code="0",decision="allow"}"#] == 1)
        #expect(samples[#"menwei_requests_total{site="a",code="1xx",decision="allow"}"#] == 99)
        #expect(samples[#"menwei_requests_total{site="a",code="other",decision="allow"}"#] == Double(65536 - 600 + 99))
    }

    @Test func brokenBoundsAreCountedByTheirName() {
        let metrics = Metrics(version: "1", commit: "")
        let shard = metrics.shard(sites: [])
        for _ in 0..<3 { shard.http2Abuse(budget: "pings") }
        shard.http2Abuse(budget: "settings")
        metrics.retire(shard)
        metrics.shard(sites: []).http2Abuse(budget: "pings")
        let samples = parsed(metrics.render())
        #expect(samples?[#"menwei_http2_abuse_total{budget="pings"}"#] == 4)
        #expect(samples?[#"menwei_http2_abuse_total{budget="settings"}"#] == 1)
    }

    @Test func aRetiredShardsCountsStay() {
        let metrics = Metrics(version: "1", commit: "")
        let old = metrics.shard(sites: ["a"])
        old.request(site: 0, status: 200, decision: .allow, durationNanoseconds: 1)
        old.connectionOpened()
        old.retire()
        old.retire()
        let new = metrics.shard(sites: ["b", "a"])
        new.request(site: 1, status: 200, decision: .allow, durationNanoseconds: 1)
        new.connectionClosed()
        let samples = parsed(metrics.render())
        #expect(samples?[#"menwei_requests_total{site="a",code="200",decision="allow"}"#] == 2)
        #expect(samples?["menwei_request_duration_seconds_count"] == 2)
        #expect(samples?["menwei_connections"] == 0)
    }

    @Test func rareCountersAreBounded() {
        let metrics = Metrics(version: "1", commit: "")
        for i in 0..<1000 { metrics.wecomCall(api: "user/get", errcode: i) }
        metrics.wecomCall(api: "user/get", errcode: 0)
        metrics.login(connection: "corp", result: "ok")
        let samples = parsed(metrics.render())!
        #expect(samples[#"menwei_wecom_calls_total{api="user/get",errcode="0"}"#] == 2)
        #expect(samples[#"menwei_wecom_calls_total{api="other",errcode="other"}"#] == Double(1000 - Metrics.pairLimit))
        #expect(samples.keys.filter { $0.hasPrefix("menwei_wecom_calls_total") }.count == Metrics.pairLimit + 1)
        #expect(samples[#"menwei_logins_total{connection="corp",result="ok"}"#] == 1)
    }

    @Test func anUpstreamIsReachedWhereTheLastConnectionOfAnyWorkerWasMade() {
        let metrics = Metrics(version: "1", commit: "a")
        func shard() -> WorkerMetrics { metrics.shard(sites: ["wiki", "crm"], upstreams: [["a", "b"], ["a"]]) }
        let first = shard(), second = shard()
        #expect(metrics.reachesUpstream("a", of: "wiki") && metrics.reachesUpstream("a", of: "nobody"))
        first.upstream(site: 0, 0).connected(true, at: MonotonicTime(nanoseconds: 10))
        second.upstream(site: 0, 0).connected(false, at: MonotonicTime(nanoseconds: 20))
        second.upstream(site: 7, 0).connected(false, at: MonotonicTime(nanoseconds: 20))
        #expect(!metrics.reachesUpstream("a", of: "wiki") && metrics.reachesUpstream("b", of: "wiki") && metrics.reachesUpstream("a", of: "crm"))
        first.upstream(site: 0, 0).connected(true, at: MonotonicTime(nanoseconds: 30))
        #expect(metrics.reachesUpstream("a", of: "wiki"))
        second.upstream(site: 0, 0).ejected()
        #expect(!metrics.reachesUpstream("a", of: "wiki"), "a worker passes it over")
        second.upstream(site: 0, 0).isOut = false
        #expect(metrics.reachesUpstream("a", of: "wiki"))
    }

    @Test func whatHappensWithUpstreamsIsCounted() {
        let metrics = Metrics(version: "1", commit: "a")
        let old = metrics.shard(sites: ["wiki"], upstreams: [["a", "b"]])
        old.upstream(site: 0, 1).ejected()
        old.upstream(site: 0, 1).retried()
        old.queue(site: 0).joined()
        old.queue(site: 0).turnedAway()
        metrics.retire(old)
        let new = metrics.shard(sites: ["wiki"], upstreams: [["a", "b"]])
        new.upstream(site: 0, 1).retried()
        for _ in 0..<3 { new.queue(site: 0).joined() }
        new.queue(site: 0).left()
        let samples = parsed(metrics.render())
        #expect(samples?[#"menwei_upstream_ejections_total{site="wiki",upstream="a"}"#] == 0)
        #expect(samples?[#"menwei_upstream_ejections_total{site="wiki",upstream="b"}"#] == 1)
        #expect(samples?[#"menwei_upstream_retries_total{site="wiki",upstream="b"}"#] == 2)
        #expect(samples?[#"menwei_upstream_queue_length{site="wiki"}"#] == 2)
        #expect(samples?[#"menwei_upstream_queue_refused_total{site="wiki"}"#] == 1)
        #expect(metrics.reachesUpstream("b", of: "wiki"), "who is gone tells nothing of the present")
    }

    @Test func gaugesAreAskedWhenShown() {
        let metrics = Metrics(version: "1.2.3", commit: "abc")
        var gauges = Metrics.Gauges()
        gauges.sessions = { 7 }
        gauges.upstreams = { [.init(site: "wiki", upstream: "http://127.0.0.1:8080", isHealthy: true), .init(site: "wiki", upstream: "unix:/x", isHealthy: false)] }
        gauges.certificates = { [.init(name: "*.corp.example", expires: WallTime(seconds: 2_000_000_000))] }
        gauges.configurationLoaded = { WallTime(seconds: 1_700_000_000) }
        gauges.recordsDropped = { 3 }
        metrics.setGauges(gauges)
        let shard = metrics.shard(sites: [])
        shard.connectionOpened()
        shard.connectionOpened()
        shard.connectionClosed()
        let samples = parsed(metrics.render())
        #expect(samples?["menwei_sessions"] == 7)
        #expect(samples?["menwei_connections"] == 1)
        #expect(samples?[#"menwei_upstream_healthy{site="wiki",upstream="http://127.0.0.1:8080"}"#] == 1)
        #expect(samples?[#"menwei_upstream_healthy{site="wiki",upstream="unix:/x"}"#] == 0)
        #expect(samples?[#"menwei_certificate_expiry_timestamp_seconds{name="*.corp.example"}"#] == 2_000_000_000)
        #expect(samples?["menwei_config_loaded_timestamp_seconds"] == 1_700_000_000)
        #expect(samples?["menwei_records_dropped_total"] == 3)
        #expect(samples?[#"menwei_build_info{version="1.2.3",commit="abc"}"#] == 1)
    }

    @Test func labelValuesAreEscaped() {
        #expect(PrometheusText.escape("a\\b\"c\nd\u{1}") == #"a\\b\"c\nd "#)
        #expect(PrometheusText.seconds(1_500_000_000) == "1.5")
        #expect(PrometheusText.seconds(2_500_000) == "0.0025")
        #expect(PrometheusText.seconds(0) == "0")
    }

    @Test func anotherThreadMayReadWhileTheWorkerWrites() async {
        let metrics = Metrics(version: "1", commit: "")
        let shard = metrics.shard(sites: ["a"])
        async let text = metrics.render()
        for _ in 0..<10_000 { shard.request(site: 0, status: 200, decision: .allow, durationNanoseconds: 1) }
        #expect(parsed(await text) != nil)
        #expect(parsed(metrics.render())?["menwei_request_duration_seconds_count"] == 10_000)
    }
}
