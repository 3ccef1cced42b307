public import Bytes
import Crypto

/// `menwei keys`: what the key folder holds, and a new key for it.
public struct KeysRequest: Equatable, Sendable {
    public enum Action: Equatable, Sendable {
        case list(json: Bool)
        /// - Parameter now: it signs at once and is the only one, else it follows the overlap.
        case rotate(now: Bool)
    }

    public var config: String
    public var action: Action

    public init(config: String, action: Action) {
        self.config = config
        self.action = action
    }

    init(_ arguments: [String]) throws(UsageFault) {
        var flags = try Flags(arguments, single: ["--config"], switches: ["--json", "--now"])
        config = try flags.required("--config")
        guard let verb = flags.operands.first else { throw UsageFault(message: "list or rotate is missing") }
        try flags.finish(operands: 1)
        let (json, now) = (flags.has("--json"), flags.has("--now"))
        switch verb {
        case "list":
            if now { throw UsageFault(message: "--now is for rotate") }
            action = .list(json: json)
        case "rotate":
            if json { throw UsageFault(message: "--json is for list") }
            action = .rotate(now: now)
        default: throw UsageFault(message: "unknown action \(quoted(verb))" + Suggestion.hint(for: verb, among: ["list", "rotate"]))
        }
    }
}

/// Carries a `KeysRequest` out. Running gateways are told nothing: they see the folder.
public struct Keys {
    private let options: SigningOptions
    private let now: WallTime

    public init(_ configuration: Configuration, now: WallTime) {
        options = configuration.signing
        self.now = now
    }

    public func outcome(_ action: KeysRequest.Action) -> CommandOutcome {
        do throws(KeyFolderFault) {
            switch action {
            case .list(let json): return CommandOutcome(output: try list(json: json), status: 0)
            case .rotate(let atOnce): return CommandOutcome(output: try rotate(atOnce: atOnce), status: 0)
            }
        } catch {
            return CommandOutcome(errors: ["menwei keys: \(error.path): \(error.message)"], status: 1)
        }
    }

    private func list(json: Bool) throws(KeyFolderFault) -> [String] {
        let keys = try KeyFolder(path: options.keys).list()
        let ring = KeyRing(names: keys.map(\.name), lifetime: options.lifetime)
        let rows = keys.enumerated().map { index, entry in
            [entry.name.kid, entry.key.algorithm.rawValue, ring.state(of: index, at: now).rawValue, RFC3339.format(entry.name.created)]
        }
        let columns = ["kid", "algorithm", "state", "created"]
        // None of the texts has anything that JSON would have to escape.
        if json { return rows.map { row in "{" + zip(columns, row).map { "\"\($0)\":\"\($1)\"" }.joined(separator: ",") + "}" } }
        return TextTable.lines([columns] + rows)
    }

    private func rotate(atOnce: Bool) throws(KeyFolderFault) -> [String] {
        let folder = KeyFolder(path: options.keys)
        let algorithm = options.rotation.algorithm
        guard try !folder.list().isEmpty else {
            let made = try folder.openOrCreate(algorithm, lifetime: options.lifetime, now: now)
            return made.ring.names.map { "\($0.kid) is the first key and signs at once" }
        }
        if atOnce {
            let (made, withdrawn) = try folder.replaceKeys(algorithm, now: now)
            return ["\(made.kid) signs at once"] + withdrawn.map { "\($0.kid) is withdrawn" }
        }
        let made = try folder.addKey(algorithm, now: now)
        return ["\(made.kid) is published, and signs from \(RFC3339.format(made.created.advanced(by: KeyRing.margin)))"]
    }
}
