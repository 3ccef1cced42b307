public import Bytes

/// How many frames of the costly kinds one client connection may still send: a token bucket for each kind, refilled by whole seconds of the
/// time that is passed in. An overdrawn budget is a client at war, or broken beyond help; the connection ends with ENHANCE_YOUR_CALM.
public struct HTTP2FrameBudget: Sendable {
    public enum Kind: Int, CaseIterable, Sendable {
        /// RST_STREAM from the client (rapid reset, CVE-2023-44487).
        case clientReset
        /// RST_STREAM that the client's own faults made the gateway send ("made you reset", CVE-2025-8671).
        case ownReset
        case settings
        case ping
        /// DATA without a byte of data and without END_STREAM.
        case emptyData
        /// PRIORITY and PRIORITY_UPDATE.
        case priority
        case windowUpdate
        /// Acknowledgements, GOAWAY, and frames of no known type.
        case unknown
    }

    /// Tokens at the start and at the most, and tokens that come back each second.
    public struct Allowance: Equatable, Sendable {
        public var burst: Int
        public var perSecond: Int

        public init(burst: Int, perSecond: Int) {
            self.burst = burst
            self.perSecond = perSecond
        }
    }

    public struct Allowances: Sendable {
        /// A page that is left takes its hundred images with it; nobody leaves pages all the time.
        public var clientReset = Allowance(burst: 200, perSecond: 20)
        public var ownReset = Allowance(burst: 100, perSecond: 2)
        public var settings = Allowance(burst: 20, perSecond: 1)
        /// gRPC measures its bandwidth by pings.
        public var ping = Allowance(burst: 1000, perSecond: 100)
        public var emptyData = Allowance(burst: 100, perSecond: 10)
        public var priority = Allowance(burst: 500, perSecond: 100)
        /// Beside what each DATA frame sent earns.
        public var windowUpdate = Allowance(burst: 2000, perSecond: 500)
        public var unknown = Allowance(burst: 100, perSecond: 10)

        public init() {}

        func of(_ kind: Kind) -> Allowance {
            switch kind {
            case .clientReset: clientReset
            case .ownReset: ownReset
            case .settings: settings
            case .ping: ping
            case .emptyData: emptyData
            case .priority: priority
            case .windowUpdate: windowUpdate
            case .unknown: unknown
            }
        }
    }

    private let allowances: Allowances
    private var tokens: [Int]
    private var refilledAt: MonotonicTime?

    public init(_ allowances: Allowances) {
        self.allowances = allowances
        tokens = Kind.allCases.map { max(0, allowances.of($0).burst) }
    }

    /// Gives back what whole seconds since the last time have earned.
    public mutating func refill(now: MonotonicTime) {
        guard let last = refilledAt else {
            refilledAt = now
            return
        }
        let seconds = now.since(last) / 1_000_000_000
        if seconds == 0 { return }
        refilledAt = last.advanced(by: seconds &* 1_000_000_000)
        for kind in Kind.allCases {
            let allowance = allowances.of(kind)
            // An hour is longer than any bucket takes, and no product of it overflows.
            let earned = Int(min(seconds, 3600)) &* max(0, allowance.perSecond)
            tokens[kind.rawValue] = min(max(0, allowance.burst), tokens[kind.rawValue] &+ earned)
        }
    }

    /// Takes one token; false where none is left.
    public mutating func spend(_ kind: Kind) -> Bool {
        if tokens[kind.rawValue] <= 0 { return false }
        tokens[kind.rawValue] &-= 1
        return true
    }

    /// Gives tokens for what the gateway itself did, never above the burst.
    public mutating func earn(_ kind: Kind, _ count: Int) {
        tokens[kind.rawValue] = min(max(0, allowances.of(kind).burst), tokens[kind.rawValue] &+ max(0, count))
    }

    /// Tokens left.
    public func left(_ kind: Kind) -> Int { tokens[kind.rawValue] }
}
