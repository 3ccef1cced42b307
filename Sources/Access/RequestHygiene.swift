public import HTTP

/// Judges the fields of one request's head and trailers, before anything of ours is added: what a client nominates in `Connection` cannot
/// take our fields away, since they are not there yet. A class, because a value of this size is copied, with all it refers to, for every field.
public final class RequestHygiene {
    private let hygiene: Hygiene
    private let via: ViaName
    /// `Authorization` is dropped too: what goes to a site that has its own (`identity.basic`), whoever asks.
    public var stripsAuthorization = false
    /// Where names that `Connection` nominates lie in the arena; almost always none.
    private var nominated: [Range<Int>] = []
    /// The client can take trailers (`TE: trailers`), which the upstream may be told.
    public private(set) var acceptsTrailers = false
    /// The request has been through this instance before (its `Via` says so).
    public private(set) var isLoop = false
    /// Where the trace id of a valid `traceparent` lies in the arena; nil: the request belongs to no trace yet.
    public private(set) var traceID: Range<Int>?

    /// More nominations than this are a fault; nobody needs them.
    public static let maximumNominations = 32

    /// - Parameter via: this instance's own name.
    public init(_ hygiene: Hygiene, via: ViaName) {
        self.hygiene = hygiene
        self.via = via
    }

    /// Reads what the head says about the hop. To be called first, for each request.
    /// - Throws: 400 where `Connection` nominates a field that frames or routes the message.
    public func begin(_ fields: Fields) throws(ProtocolFault) {
        nominated.removeAll(keepingCapacity: true)
        acceptsTrailers = false
        isLoop = false
        var parents = 0
        var parent: Fields.Entry?
        for entry in fields.entries {
            switch entry.known {
            case .connection: try Nominations.read(fields, entry, into: &nominated)
            case .te: acceptsTrailers = acceptsTrailers || fields.value(entry).split(separator: 0x2C).contains { same(trim($0), "trailers") }
            case .via: isLoop = isLoop || via.isNamed(in: fields.arena.span.extracting(entry.value))
            case .traceparent:
                parents += 1
                parent = entry
            default: break
            }
        }
        traceID = nil
        guard parents == 1, let parent, !Nominations.name(parent, in: fields, nominated) else { return }
        traceID = TraceParent.traceID(fields.arena.span, parent.value)
    }

    /// What becomes of a field of the head that `begin` was shown last.
    public func verdict(_ entry: Fields.Entry, in fields: Fields) -> FieldVerdict {
        switch entry.known {
        case .connection, .keepAlive, .proxyConnection, .proxyAuthenticate, .proxyAuthorization, .te, .trailer, .transferEncoding, .upgrade,
            .http2Settings, .http2Status, .forwarded:
            return .drop
        case .host, .contentLength, .expect: return .rewrite
        // Of a trace that cannot be read nothing is passed on (W3C Trace Context section 3.2.2.5): a new one begins.
        case .traceparent where traceID == nil, .tracestate where traceID == nil: return .drop
        case .cookie, .maxForwards: return Nominations.name(entry, in: fields, nominated) ? .drop : .rewrite
        case .authorization where stripsAuthorization: return .drop
        default: break
        }
        let name = fields.arena.span.extracting(entry.name)
        if entry.known == .other ? hygiene.stripsUnknown(name) : hygiene.strips(name) { return .drop }
        return Nominations.name(entry, in: fields, nominated) ? .drop : .keep
    }

    /// Whether a trailer field is passed on: nothing that is removed from the head, and nothing that may not stand in trailers.
    /// - Parameter head: the head's fields, whose `Connection` may have nominated it.
    public func keepsTrailer(_ name: Span<UInt8>, head: Fields) -> Bool {
        if hygiene.strips(name) || Hygiene.hop.contains(name) || Hygiene.notInTrailers.contains(name) { return false }
        for range in nominated where FoldedName.equal(head.arena.span.extracting(range), name) { return false }
        return true
    }
}

/// What a `Connection` field names beside the usual words (RFC 9110 section 7.6.1).
enum Nominations {
    /// Adds the names in `entry`'s value to `found`. Without names beside the usual words it allocates nothing.
    static func read(_ fields: Fields, _ entry: Fields.Entry, into found: inout [Range<Int>]) throws(ProtocolFault) {
        let arena = fields.arena.span
        let end = entry.value.upperBound
        var at = entry.value.lowerBound
        while at < end {
            var stop = at
            while stop < end, arena[stop] != 0x2C { stop &+= 1 }
            var name = at..<stop
            while let first = name.first, arena[first] == 0x20 || arena[first] == 0x09 { name = (first &+ 1)..<name.upperBound }
            while let last = name.last, arena[last] == 0x20 || arena[last] == 0x09 { name = name.lowerBound..<last }
            at = stop &+ 1
            let text = arena.extracting(name)
            if name.isEmpty || usual.contains(text) { continue }
            guard !framing.contains(text) else { throw ProtocolFault("connection-nominates-framing") }
            guard found.count < RequestHygiene.maximumNominations else { throw ProtocolFault("too-many-connection-options") }
            found.append(name)
        }
    }

    /// Whether `entry`'s name is one of those nominated, in any spelling.
    static func name(_ entry: Fields.Entry, in fields: Fields, _ nominated: [Range<Int>]) -> Bool {
        guard !nominated.isEmpty else { return false }
        let arena = fields.arena.span
        for range in nominated where FoldedName.equal(arena.extracting(range), arena.extracting(entry.name)) { return true }
        return false
    }

    private static let framing = FoldedNameSet(names: ["Content-Length", "Transfer-Encoding", "Host"])
    /// Fields that never go on anyway, and words that name no field.
    private static let usual = FoldedNameSet(names: ["keep-alive", "close", "upgrade", "te", "http2-settings"])
}
