import Access
import HTTP
import Outbound
import Portal
import Proxy
import Settings
import WeCom

/// `menwei doctor`: what WeCom and WeChat say of each connection, one after the other, in the order of the configuration.
enum DoctorCommand {
    static func run(_ file: String) -> CommandOutcome {
        let loaded = Configuration.load(file: file, hooks: .ofProcess())
        guard let configuration = loaded.configuration else { return loaded.checkOutcome }
        return LoopTask.run("doctor") {
            let caller: CurlCaller
            do { caller = try CurlCaller() } catch { return CommandOutcome(errors: ["menwei doctor: \(error)"], status: 1) }
            let doctor = Doctor(caller: caller, authority: configuration.auth.origin.authority)
            var status: Int32 = 0
            for connection in configuration.connections {
                // Each line as soon as it is known: WeCom may take its time over the next.
                for finding in await doctor.examine(
                    connection, departments: configuration.numbers(\.departments, of: connection), tags: configuration.numbers(\.tags, of: connection)) {
                    Output.line(finding.line)
                    if finding.grade == .fail { status = 1 }
                }
            }
            return CommandOutcome(status: status)
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
