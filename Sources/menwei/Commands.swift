import Settings

/// Which code serves which command.
enum Commands {
    static func run(_ command: Command) -> Int32 {
        switch command {
        case .run(let config): RunCommand.run(config)
        case .check(let config): check(config)
        case .demo(let port): DemoCommand.run(port: port)
        case .simulator(let address): SimulatorCommand.run(on: address)
        case .doctor(let config): finish(DoctorCommand.run(config))
        case .explain(let request): explain(request)
        case .report(let request): finish(request.outcome(hooks: .ofProcess()))
        case .keys(let request): keys(request)
        case .sessions(let request): finish(SessionsCommand.run(request))
        case .accounts(let request): finish(AccountsCommand.run(request))
        case .version: version()
        case .help(let text): help(text)
        }
    }

    private static func check(_ config: String) -> Int32 {
        finish(Configuration.load(file: config, hooks: .ofProcess()).checkOutcome)
    }

    private static func explain(_ request: ExplainRequest) -> Int32 {
        let loaded = Configuration.load(file: request.config, hooks: .ofProcess())
        guard let configuration = loaded.configuration else { return finish(loaded.checkOutcome) }
        return finish(Explain(configuration).outcome(request))
    }

    private static func keys(_ request: KeysRequest) -> Int32 {
        let loaded = Configuration.load(file: request.config, hooks: .ofProcess())
        guard let configuration = loaded.configuration else { return finish(loaded.checkOutcome) }
        return finish(Keys(configuration, now: Shared.now()).outcome(request.action))
    }

    private static func version() -> Int32 {
        for line in Version.lines { Output.line(line) }
        return 0
    }

    private static func help(_ text: String) -> Int32 {
        Output.line(text)
        return 0
    }

    static func finish(_ outcome: CommandOutcome) -> Int32 {
        for line in outcome.errors { Output.error(line) }
        for line in outcome.output { Output.line(line) }
        return outcome.status
    }
}
