/// What the command line asks for.
public enum Command: Equatable, Sendable {
    /// The gateway in the foreground.
    case run(config: String)
    case check(config: String)
    case demo(port: UInt16)
    case simulator(listen: ListenAddress)
    case doctor(config: String)
    case explain(ExplainRequest)
    case report(ReportRequest)
    case keys(KeysRequest)
    case sessions(SessionsRequest)
    case accounts(AccountsRequest)
    case version
    /// Print this text to standard output, exit 0.
    case help(String)
}

/// Arguments that make no command. Print to standard error, exit 2.
public struct UsageFault: Error, Equatable, Sendable {
    /// One line, and one that says where to read more.
    public var message: String
    public init(message: String) {
        self.message = message
    }
}

/// Reads the arguments; asks nothing of the outside.
public enum CommandLine {
    /// `arguments` without the program's own name.
    public static func parse(_ arguments: [String]) throws(UsageFault) -> Command {
        guard let name = arguments.first else { throw UsageFault(message: "menwei: a command is missing\n" + Usage.overview) }
        let rest = Array(arguments.dropFirst())
        switch name {
        case "--help", "-h", "help": return .help(rest.first.flatMap { Usage.commands[$0] } ?? Usage.overview)
        case "--version": return .version
        default: break
        }
        guard let usage = Usage.commands[name] else { throw unknown(name) }
        if rest.prefix(while: { $0 != "--" }).contains(where: { $0 == "--help" || $0 == "-h" }) { return .help(usage) }
        do throws(UsageFault) {
            return try command(name, rest)
        } catch {
            throw UsageFault(message: "menwei \(name): \(error.message)\nSee: menwei \(name) --help")
        }
    }

    private static func unknown(_ name: String) -> UsageFault {
        let what = name.hasPrefix("-") ? "option" : "command"
        let hint = Suggestion.hint(for: name, among: Usage.names)
        return UsageFault(message: "menwei: unknown \(what) \(quoted(name))\(hint)\nSee: menwei --help")
    }

    private static func command(_ name: String, _ arguments: [String]) throws(UsageFault) -> Command {
        switch name {
        case "run", "check", "doctor":
            var flags = try Flags(arguments, single: ["--config"])
            let config = try flags.required("--config")
            try flags.finish(operands: 0)
            return switch name {
            case "run": .run(config: config)
            case "check": .check(config: config)
            default: .doctor(config: config)
            }
        case "demo":
            var flags = try Flags(arguments, single: ["--port"])
            var port: UInt16 = 8443
            if let text = flags.take("--port") {
                guard let number = PortText.parse(text[...]) else { throw UsageFault(message: "--port must be a number from 1 to 65535, this is \(quoted(text))") }
                port = number
            }
            try flags.finish(operands: 0)
            return .demo(port: port)
        case "simulator":
            var flags = try Flags(arguments, single: ["--listen"])
            let text = try flags.required("--listen")
            try flags.finish(operands: 0)
            switch ListenAddress.parse(text) {
            case .success(let address): return .simulator(listen: address)
            case .failure(let problem): throw UsageFault(message: "--listen: " + problem.message)
            }
        case "sessions": return .sessions(try SessionsRequest(arguments))
        case "explain": return .explain(try ExplainRequest(arguments))
        case "report": return .report(try ReportRequest(arguments))
        case "keys": return .keys(try KeysRequest(arguments))
        case "accounts": return .accounts(try AccountsRequest(arguments))
        default:
            try Flags(arguments, single: []).finish(operands: 0)
            return .version
        }
    }
}

/// `--name value` and `--name=value` taken apart from the operands. After `--` all are operands.
struct Flags {
    private var values: [String: [String]] = [:]
    private var switches = Set<String>()
    private(set) var operands: [String] = []

    /// - Parameter switches: options without a value.
    init(_ arguments: [String], single: [String], several: [String] = [], switches known: [String] = []) throws(UsageFault) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--" {
                operands += rest
                break
            }
            guard argument.hasPrefix("-"), argument != "-" else {
                operands.append(argument)
                continue
            }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            if known.contains(name) {
                if parts.count == 2 { throw UsageFault(message: "\(name) takes no value") }
                if !switches.insert(name).inserted { throw UsageFault(message: "\(name) is given twice") }
                continue
            }
            guard single.contains(name) || several.contains(name) else {
                throw UsageFault(message: "unknown option \(quoted(name))" + Suggestion.hint(for: name, among: single + several + known))
            }
            guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else { throw UsageFault(message: "\(name) needs a value") }
            guard !value.isEmpty else { throw UsageFault(message: "\(name) needs a value that is not empty") }
            guard several.contains(name) || values[name] == nil else { throw UsageFault(message: "\(name) is given twice") }
            values[name, default: []].append(value)
        }
    }

    mutating func take(_ name: String) -> String? { values.removeValue(forKey: name)?.first }
    func has(_ name: String) -> Bool { switches.contains(name) }
    mutating func takeAll(_ name: String) -> [String] { values.removeValue(forKey: name) ?? [] }

    mutating func required(_ name: String) throws(UsageFault) -> String {
        guard let value = take(name) else { throw UsageFault(message: "\(name) is missing") }
        return value
    }

    /// A fault where there are more operands than that.
    func finish(operands count: Int) throws(UsageFault) {
        if operands.count > count { throw UsageFault(message: "unexpected argument \(quoted(operands[count]))") }
    }
}
