import EventLoop
import HTTP
import Outbound
import Portal
import Settings
import WeCom

/// `menwei doctor`: what WeCom and WeChat say of each connection, one after the other, in the order of the configuration.
enum DoctorCommand {
    static func run(_ file: String) -> Int32 {
        let loaded = Configuration.load(file: file, hooks: .ofProcess())
        guard let configuration = loaded.configuration else { return Commands.finish(loaded.checkOutcome) }
        do {
            let loop = try EventLoop()
            let caller = try CurlCaller()
            var status: Int32 = 0
            loop.spawn {
                let doctor = Doctor(caller: caller, authority: configuration.auth.origin.authority)
                for connection in configuration.connections {
                    for finding in await doctor.examine(connection) {
                        Output.line(finding.line)
                        if finding.grade == .fail { status = 1 }
                    }
                }
                loop.stop()
            }
            loop.run()
            return status
        } catch {
            Output.error("menwei doctor: \(error)")
            return 1
        }
    }
}
