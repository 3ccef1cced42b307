import CLinux
import Glibc
import Settings

/// `menwei run`: reads the configuration, binds, starts a worker per processor, and waits for signals on the main thread.
enum RunCommand {
    static func run(_ file: String) -> Int32 {
        // Whoever asks for a reload this early gets one, and not the default, which is death. SIGTERM and SIGINT may end what has not begun.
        SignalWatch.hold([SIGHUP])
        let (loaded, messages) = LoadedConfiguration.read(file)
        for message in messages { Output.error(message) }
        guard let loaded else { return 2 }
        SignalWatch.hold([SIGTERM, SIGINT, SIGHUP])
        // A connection takes two descriptors; the usual soft limit is meant for programs that call select.
        menwei_raise_descriptor_limit()
        do {
            return try Supervisor(loaded) { Output.error("menwei: ready") }.run()
        } catch {
            Output.error(error.place?.faultLine ?? "menwei: \(error.message)")
            return 1
        }
    }
}
