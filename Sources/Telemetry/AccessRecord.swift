public import Bytes

/// One request, as its access record tells it (README, *Operate*). Members that are nil or empty are written as null, so that every record has the same
/// columns, but for `trace_id`. What the client sent comes as bytes and may be anything; `encode` borrows it from where it lies.
public struct AccessRecord {
    public var time = WallTime(milliseconds: 0)
    public var site: String?
    /// 0 where no answer went out.
    public var status: UInt16 = 0
    public var decision = AccessDecision.refused
    public var rule: String?
    public var account: String?
    public var sid: String?
    /// The client's address.
    public var client = ""
    /// `HTTP/1.1`, `HTTP/2`
    public var version: StaticString = "HTTP/1.1"
    /// Bytes of the request's and the response's body.
    public var bytesIn: UInt64 = 0
    public var bytesOut: UInt64 = 0
    public var durationNanoseconds: UInt64 = 0
    public var upstream: String?
    public var upstreamNanoseconds: UInt64?

    public init() {}

    /// Writes the record as a whole line. The columns stand with their punctuation: there is one such line a request.
    /// - Parameters:
    ///   - traceID: of the trace that the client's request belongs to. Left out where it is empty: the trace began here, and the request's id is its id.
    ///   - target: everything from `?` on is left out here.
    public func encode(
        requestID: Span<UInt8>, traceID: Span<UInt8>, host: Span<UInt8>, method: Span<UInt8>, target: Span<UInt8>, userAgent: Span<UInt8>,
        into line: inout JSONLine
    ) {
        line.begin(#"{"event":"access","time":"#)
        line.value(time)
        line.column(#","request_id":"#, requestID)
        if !traceID.isEmpty { line.column(#","trace_id":"#, traceID) }
        line.column(#","site":"#, site)
        line.column(#","host":"#, host)
        line.column(#","method":"#, method)
        line.column(#","path":"#, target.extracting(first: Self.pathLength(target)))
        line.column(#","status":"#, UInt64(status))
        line.column(#","decision":""#, literal: decision.name)
        line.column(#"","rule":"#, rule)
        line.column(#","account":"#, account)
        line.column(#","sid":"#, sid)
        line.column(#","client":"#, client)
        line.column(#","user_agent":"#, userAgent)
        line.column(#","protocol":""#, literal: version)
        line.column(#"","bytes_in":"#, bytesIn)
        line.column(#","bytes_out":"#, bytesOut)
        line.column(#","duration_ms":"#, literal: "")
        line.value(millisecondsOf: durationNanoseconds)
        line.column(#","upstream":"#, upstream)
        line.column(#","upstream_ms":"#, literal: "")
        if let upstreamNanoseconds { line.value(millisecondsOf: upstreamNanoseconds) } else { line.literal("null") }
        line.end()
    }

    /// How much of `target` stands before its query.
    private static func pathLength(_ target: Span<UInt8>) -> Int {
        var length = 0
        while length < target.count, target[length] != 0x3F { length &+= 1 }
        return length
    }
}
