import Bytes
import CLinux
import EventLoop
import Glibc
import Outbound
import Proxy
import Settings
import Simulator

/// `menwei simulator`: WeCom on loopback, for tests and for teams without a WeCom app.
enum SimulatorCommand {
    /// Calls gateways under test, whatever their certificates.
    static func courier() throws -> Courier {
        var options = CurlCaller.Options()
        options.acceptsAnyCertificate = true
        options.usesEnvironmentProxy = false
        return Courier(caller: try CurlCaller(options))
    }

    static func run(on address: ListenAddress) -> Int32 {
        do {
            let loop = try EventLoop()
            // Before any thread begins: each would take the signals that it does not block.
            let signals = try SignalWatch([SIGTERM, SIGINT], on: loop) { _ in loop.stop() }
            let bound = try BoundAddress(address, count: 1)
            let shared = SharedSimulator(world: .standard()) { WallTime(milliseconds: menwei_wall_ms()) }
            let server = Server(on: loop, limits: ServerLimits(), tls: nil, handler: ResponderHandler(SimulatorResponder(shared: shared, courier: try courier()), on: loop))
            for socket in bound.sockets { try server.listen(on: Descriptor(owning: socket)) }
            Output.error("menwei simulator: ready on http://\(address.text)")
            loop.run()
            withExtendedLifetime((signals, bound)) {}
            return 0
        } catch let fault as ListenFault {
            Output.error("menwei simulator: \(fault.message)")
            return 1
        } catch {
            Output.error("menwei simulator: \(error)")
            return 1
        }
    }
}
