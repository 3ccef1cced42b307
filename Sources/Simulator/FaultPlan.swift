/// What shall go wrong, and how often.
public struct FaultPlan: Sendable {
    /// What a planned fault makes of an answer.
    public enum Answer: Equatable, Sendable {
        /// The true answer (only late).
        case genuine
        case errcode(Int, String?)
        /// An HTTP status with a plain page: what a balancer in front of the API says.
        case status(Int)
        /// 200 and a web page, as captive portals and proxies answer.
        case html
        /// 200, no body, and the connection closes.
        case empty
        /// 200 and JSON that breaks off.
        case invalidJSON
        /// 200 and JSON whose members are of the wrong types.
        case wrongTypes
        /// 200 and 2 MiB of JSON.
        case huge
        /// 302 to another host.
        case redirect
    }
    public struct Fault: Equatable, Sendable {
        /// The path under `/cgi-bin/`, or `*`.
        public var api: String
        public var answer: Answer
        /// Milliseconds to wait first, at most 60 000.
        public var delay: Int
        /// How many calls it still hits; nil: until it is taken back.
        public var times: Int?

        public init(api: String, answer: Answer, delay: Int = 0, times: Int? = nil) {
            self.api = api
            self.answer = answer
            self.delay = min(max(delay, 0), 60_000)
            self.times = times
        }
    }

    public private(set) var faults: [Fault] = []

    public init() {}

    /// False when there are 100 already.
    public mutating func add(_ fault: Fault) -> Bool {
        guard faults.count < 100 else { return false }
        faults.append(fault)
        return true
    }

    public mutating func removeAll() { faults.removeAll() }

    /// The first fault for that API, one time used up.
    mutating func take(_ api: String) -> Fault? {
        guard let at = faults.firstIndex(where: { $0.api == api || $0.api == "*" }) else { return nil }
        let fault = faults[at]
        guard let times = fault.times else { return fault }
        if times <= 1 {
            faults.remove(at: at)
        } else {
            faults[at].times = times - 1
        }
        return times > 0 ? fault : nil
    }
}
