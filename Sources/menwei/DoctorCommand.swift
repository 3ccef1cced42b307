import Access
import EventLoop
import HTTP
import Outbound
import Portal
import Proxy
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
                    for finding in await doctor.examine(
                        connection, departments: configuration.numbers(\.departments, of: connection), tags: configuration.numbers(\.tags, of: connection)) {
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

extension Configuration {
    /// The departments, or tags, of a connection that rules name.
    fileprivate func numbers(_ key: KeyPath<Rule.Allow, Set<Rule.GroupID>?>, of connection: ConnectionOptions) -> [Int] {
        let named = sites.flatMap(\.rules).compactMap { $0.allow[keyPath: key] }.reduce(into: Set()) { $0.formUnion($1) }
        return named.filter { $0.connection == connection.id }.map(\.id).sorted()
    }
}
