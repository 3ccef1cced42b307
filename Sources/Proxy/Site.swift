import Access
import Bytes
import EventLoop
import HTTP
import Telemetry

/// One site as a worker serves it: its options made ready, and its own connections to the upstreams.
final class Site {
    let options: SiteOptions
    /// Position in the worker's table, and in its metrics.
    let index: Int
    let policy: Policy
    let group: UpstreamGroup
    let nanoseconds: Nanoseconds
    /// How many segments are taken off each path (`strip_path`), and the field that tells the upstream of them.
    let strippedSegments: Int
    let prefixLine: [UInt8]
    /// By rule number: how records name the rule, `3 /admin/*`.
    let ruleNames: [String]

    struct Nanoseconds {
        let connect, response, idle: UInt64
    }

    init(_ options: SiteOptions, index: Int, on loop: EventLoop, health: UpstreamHealth, metrics: WorkerMetrics, recorder: Recorder) {
        self.options = options
        self.index = index
        policy = Policy(rules: options.rules, ignoreCase: options.ignoreCase)
        let policy = self.policy
        ruleNames = (0...options.rules.count).map { "\($0) \(policy.reference($0).pattern)" }
        group = UpstreamGroup(of: options, index: index, on: loop, health: health, metrics: metrics, recorder: recorder)
        let timeouts = options.timeouts
        nanoseconds = Nanoseconds(
            connect: timeouts.connect.nanoseconds, response: timeouts.response.nanoseconds, idle: timeouts.idle.nanoseconds)
        let prefix = options.strippedPrefix
        strippedSegments = prefix.utf8.count { $0 == UInt8(ascii: "/") }
        prefixLine = prefix.isEmpty ? [] : Array("X-Forwarded-Prefix: \(prefix)\r\n".utf8)
    }

    /// Whether that upstream is one of its own, as of this configuration.
    func has(_ member: UpstreamMember) -> Bool { member.index < group.members.count && group.members[member.index] === member }

    /// Its gateway is replaced: nothing is kept for requests to come. Those under way go on.
    func close() { group.close() }
}

extension SiteOptions {
    /// What `strip_path` takes off, percent-encoded; empty: nothing.
    var strippedPrefix: String {
        guard stripsPath, path != "/" else { return "" }
        return Percent.encode(path.utf8) { Percent.isUnreserved($0) || "/!$&'()*+=:@".utf8.contains($0) }
    }
}
