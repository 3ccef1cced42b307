import EventLoop
import Settings

/// What a command does on a loop of its own, until it is done.
enum LoopTask {
    /// - Parameter command: its name, for the line that says why there is no loop.
    static func run(_ command: String, _ work: @escaping () async -> CommandOutcome) -> CommandOutcome {
        do throws(SystemError) {
            let loop = try EventLoop()
            var outcome = CommandOutcome(errors: ["menwei \(command): nothing was done"], status: 1)
            loop.spawn {
                outcome = await work()
                loop.stop()
            }
            loop.run()
            return outcome
        } catch { return CommandOutcome(errors: ["menwei \(command): \(error.description)"], status: 1) }
    }
}
