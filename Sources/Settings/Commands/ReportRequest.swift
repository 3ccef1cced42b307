/// `menwei report`: the configuration to judge by, and the files with records.
public struct ReportRequest: Equatable, Sendable {
    public var config: String
    /// At least one; `-` is standard input.
    public var logs: [String]

    public init(config: String, logs: [String]) {
        self.config = config
        self.logs = logs
    }

    init(_ arguments: [String]) throws(UsageFault) {
        var flags = try Flags(arguments, single: ["--config"])
        let file = try flags.required("--config")
        guard !flags.operands.isEmpty else { throw UsageFault(message: "LOG is missing: a file with access records, or - for standard input") }
        self.init(config: file, logs: flags.operands)
    }

    /// The whole command. A configuration with faults reports nothing: its messages, 2; a file that cannot be read: 1.
    public func outcome(hooks: LoadHooks) -> CommandOutcome {
        let result = Configuration.load(file: config, hooks: hooks)
        guard let configuration = result.configuration else { return CommandOutcome(errors: result.messages, status: 2) }
        var report = Report(configuration)
        for log in logs {
            do throws(TextFile.Failure) {
                try LineFile.read(log) { line in
                    if let line { report.read(line) } else { report.skipLongLine() }
                }
            } catch {
                return CommandOutcome(errors: ["menwei report: \(log) \(error.why)"], status: 1)
            }
        }
        return CommandOutcome(output: report.output, status: 0)
    }
}
