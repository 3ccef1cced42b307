/// `menwei sessions`: who is logged in, and the end of it.
public struct SessionsRequest: Equatable, Sendable {
    public enum Action: Equatable, Sendable {
        /// Of one account (compared without regard to case), or of all.
        case list(user: String?, json: Bool)
        case revoke(Selection)
    }
    public enum Selection: Equatable, Sendable {
        case sid(String)
        case user(String)
        case all
    }

    public var config: String
    public var action: Action

    public init(config: String, action: Action) {
        self.config = config
        self.action = action
    }

    init(_ arguments: [String]) throws(UsageFault) {
        var flags = try Flags(arguments, single: ["--config", "--user"], switches: ["--json", "--all"])
        config = try flags.required("--config")
        let user = flags.take("--user"), (json, all) = (flags.has("--json"), flags.has("--all"))
        guard let verb = flags.operands.first else { throw UsageFault(message: "list or revoke is missing") }
        switch verb {
        case "list":
            try flags.finish(operands: 1)
            if all { throw UsageFault(message: "--all is for revoke; list shows all without it") }
            action = .list(user: user, json: json)
        case "revoke":
            try flags.finish(operands: 2)
            if json { throw UsageFault(message: "--json is for list") }
            let sid = flags.operands.count == 2 ? flags.operands[1] : nil
            guard [sid != nil, user != nil, all].count(where: { $0 }) == 1 else { throw UsageFault(message: "one of SID, --user ACCOUNT and --all is needed") }
            action = .revoke(sid.map { .sid($0) } ?? user.map { .user($0) } ?? .all)
        default: throw UsageFault(message: "unknown action \(quoted(verb))" + Suggestion.hint(for: verb, among: ["list", "revoke"]))
        }
    }
}
