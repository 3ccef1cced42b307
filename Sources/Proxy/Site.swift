import Access
import Bytes
import EventLoop
import HTTP
import Telemetry

/// One site as a worker serves it: its options made ready, and its own connections to the upstream.
final class Site {
    let options: SiteOptions
    /// Position in the worker's table, and in its metrics.
    let index: Int
    let policy: Policy
    let pool: UpstreamPool
    let nanoseconds: Nanoseconds
    /// What goes into `Host`, where it is not the client's.
    let hostHeader: String?
    /// Maps what answers say of addresses, where the upstream was asked under another one than the client's.
    let addressMapping: AddressMapping?
    /// How many segments are taken off each path (`strip_path`), and the field that tells the upstream of them.
    let strippedSegments: Int
    let prefixLine: [UInt8]
    /// By rule number: how records name the rule, `3 /admin/*`.
    let ruleNames: [String]

    struct Nanoseconds {
        let response, idle: UInt64
    }

    init(_ options: SiteOptions, index: Int, on loop: EventLoop, metrics: WorkerMetrics, recorder: Recorder? = nil) {
        self.options = options
        self.index = index
        policy = Policy(rules: options.rules, ignoreCase: options.ignoreCase)
        let policy = self.policy
        ruleNames = (0...options.rules.count).map { "\($0) \(policy.reference($0).pattern)" }
        let upstream = options.upstreams[0]
        pool = UpstreamPool(upstream, of: options, on: loop, recorder: recorder) { [unowned loop] in
            metrics.upstreamConnected(site: index, $0, at: loop.now)
        }
        nanoseconds = Nanoseconds(response: options.timeouts.response.nanoseconds, idle: options.timeouts.idle.nanoseconds)
        switch options.hostHeader {
        case .keep: hostHeader = nil
        case .upstream: hostHeader = upstream.authority
        case .literal(let text): hostHeader = text
        }
        let prefix = options.strippedPrefix
        strippedSegments = prefix.utf8.count { $0 == UInt8(ascii: "/") }
        prefixLine = prefix.isEmpty ? [] : Array("X-Forwarded-Prefix: \(prefix)\r\n".utf8)
        var names = hostHeader.map { [$0] } ?? []
        if !prefix.isEmpty { names += options.upstreams.map(\.authority) }
        addressMapping = names.isEmpty ? nil : AddressMapping(names: names, origin: options.origin, prefix: prefix)
    }

    /// Closes the connections to the upstream that wait for work. Those that work go on, and close when they are done.
    func close() { pool.close() }
}

extension SiteOptions {
    /// What `strip_path` takes off, percent-encoded; empty: nothing.
    var strippedPrefix: String {
        guard stripsPath, path != "/" else { return "" }
        return Percent.encode(path.utf8) { Percent.isUnreserved($0) || "/!$&'()*+=:@".utf8.contains($0) }
    }
}
