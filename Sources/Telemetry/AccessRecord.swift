public import Bytes

/// One request, as its access record tells it (README, *Operate*). What the client sent comes as bytes and may be anything. Members that are
/// nil or empty are written as null, so that every record has the same columns.
public struct AccessRecord {
    public var time = WallTime(milliseconds: 0)
    public var requestID = ""
    /// Of the trace that the request belongs to; empty: it began here, and the request's id is the trace's.
    public var traceID: ArraySlice<UInt8> = []
    public var site: String?
    public var host: ArraySlice<UInt8> = []
    public var method: ArraySlice<UInt8> = []
    /// The target; everything from `?` on is left out here.
    public var path: ArraySlice<UInt8> = []
    /// 0 where no answer went out.
    public var status: UInt16 = 0
    public var decision = AccessDecision.refused
    public var rule: String?
    public var account: String?
    public var sid: String?
    /// The client's address.
    public var client = ""
    public var userAgent: ArraySlice<UInt8> = []
    /// `HTTP/1.1`, `HTTP/2`
    public var version: StaticString = "HTTP/1.1"
    /// Bytes of the request's and the response's body.
    public var bytesIn: UInt64 = 0
    public var bytesOut: UInt64 = 0
    public var durationNanoseconds: UInt64 = 0
    public var upstream: String?
    public var upstreamNanoseconds: UInt64?

    public init() {}

    /// Writes the record as a whole line.
    public func encode(into line: inout JSONLine) {
        line.begin()
        line.add("event", literal: "access")
        line.add("time", time)
        line.add("request_id", requestID)
        if traceID.isEmpty { line.add("trace_id", requestID) } else { line.add("trace_id", traceID) }
        Self.add("site", site, to: &line)
        Self.add("host", host, to: &line)
        Self.add("method", method, to: &line)
        Self.add("path", path.prefix { $0 != UInt8(ascii: "?") }, to: &line)
        line.add("status", UInt64(status))
        line.add("decision", literal: decision.name)
        Self.add("rule", rule, to: &line)
        Self.add("account", account, to: &line)
        Self.add("sid", sid, to: &line)
        Self.add("client", client, to: &line)
        Self.add("user_agent", userAgent, to: &line)
        line.add("protocol", literal: version)
        line.add("bytes_in", bytesIn)
        line.add("bytes_out", bytesOut)
        line.add("duration_ms", millisecondsOf: durationNanoseconds)
        Self.add("upstream", upstream, to: &line)
        if let upstreamNanoseconds {
            line.add("upstream_ms", millisecondsOf: upstreamNanoseconds)
        } else {
            line.add(null: "upstream_ms")
        }
        line.end()
    }

    private static func add(_ key: StaticString, _ value: String?, to line: inout JSONLine) {
        if let value, !value.isEmpty { line.add(key, value) } else { line.add(null: key) }
    }

    private static func add(_ key: StaticString, _ value: ArraySlice<UInt8>, to line: inout JSONLine) {
        if value.isEmpty { line.add(null: key) } else { line.add(key, value) }
    }
}
