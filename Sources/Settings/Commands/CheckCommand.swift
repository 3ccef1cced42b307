/// What a command prints and how it ends. The caller writes it.
public struct CommandOutcome: Equatable, Sendable {
    /// Lines without their newline.
    public var output: [String]
    public var errors: [String]
    /// 0 done, 1 failed, 2 wrong usage or configuration; `explain` has 3, 4 and 5 too.
    public var status: Int32

    public init(output: [String] = [], errors: [String] = [], status: Int32) {
        self.output = output
        self.errors = errors
        self.status = status
    }
}

extension LoadResult {
    /// Faults, then warnings, each as its line, in the order of the file.
    public var messages: [String] { faults.map(\.faultLine) + warnings.map(\.warningLine) }

    /// `menwei check`: every message, `ok` where there is no fault.
    public var checkOutcome: CommandOutcome {
        faults.isEmpty && configuration != nil
            ? CommandOutcome(output: ["ok"], errors: messages, status: 0) : CommandOutcome(errors: messages, status: 2)
    }
}
