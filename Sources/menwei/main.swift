import Glibc
import Settings

// Which command it is, and the exit status it comes to: 0 done, 1 failed, 2 wrong usage or configuration.
signal(SIGPIPE, SIG_IGN)
do {
    let command = try Settings.CommandLine.parse(Array(Swift.CommandLine.arguments.dropFirst()))
    // Without the C libraries' clean-up, which the workers, still running, would step into.
    _exit(Commands.run(command))
} catch {
    Output.error(error.message)
    exit(2)
}
