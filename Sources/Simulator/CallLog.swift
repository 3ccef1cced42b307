/// What was asked of the simulator: a count per API and the last calls. Tokens, secrets and codes are not kept.
public struct CallLog: Sendable {
    struct Call: Sendable {
        var api: String
        /// nil where the answer was not JSON.
        var errcode: Int?
        var corp: String?
        var agent: Int?
        var userID: String?
        /// Milliseconds since 1970.
        var time: Int64
    }

    public private(set) var counts: [String: Int] = [:]
    private(set) var calls: [Call] = []
    static let limit = 1000

    public init() {}

    mutating func add(_ call: Call) {
        // Names come from a fixed list, so the dictionary is bounded.
        counts[call.api, default: 0] += 1
        if calls.count >= Self.limit { calls.removeFirst(Self.limit / 4) }
        calls.append(call)
    }

    var json: JSON {
        .members([
            "counts": .object(counts.sorted { $0.key < $1.key }.map { .init(name: $0.key, value: .int($0.value)) }),
            "calls": .array(calls.map { call in
                .members([
                    "api": .string(call.api), "errcode": call.errcode.map { .int($0) } ?? .null, "corpid": call.corp.map { .string($0) } ?? .null,
                    "agentid": call.agent.map { .int($0) } ?? .null, "userid": call.userID.map { .string($0) } ?? .null, "time_ms": .int(Int(call.time)),
                ])
            }),
        ])
    }
}
