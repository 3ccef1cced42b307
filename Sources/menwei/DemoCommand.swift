import Bytes
import CLinux
import EventLoop
import Glibc
import Outbound
import Proxy
import Settings
import Simulator
import TLS

/// `menwei demo`: the gateway, a simulated WeCom and a sample legacy application, all on loopback and all in this process, with nothing to
/// configure and nothing left behind.
enum DemoCommand {
    static func run(port: UInt16) -> Int32 {
        do {
            let folder = try DemoFolder()
            defer { folder.remove() }
            return try run(port, in: folder)
        } catch let fault as StartFault {
            Output.error("menwei demo: \(fault.message)")
            return 1
        } catch {
            Output.error("menwei demo: \(error)")
            return 1
        }
    }

    private static func run(_ port: UInt16, in folder: DemoFolder) throws -> Int32 {
        let (certificate, key) = try SelfSigned.make(names: ["wiki.localhost", "auth.localhost"])
        try folder.write("certificate.pem", certificate)
        try folder.write("key.pem", key)
        try folder.makeFolder("keys")
        let simulator = try FreePort(), sample = try FreePort(), operations = try FreePort()
        let text = configuration(port: port, simulator: simulator.number, sample: sample.number, operations: operations.number)
        operations.close()
        let loaded = Configuration.parse(Array(text.utf8), file: folder.path + "/menwei.yaml")
        guard let configuration = loaded.configuration else {
            throw StartFault(message: loaded.messages.joined(separator: "\n"))
        }
        let null = unsafe open("/dev/null", O_WRONLY | O_CLOEXEC)
        let loadedConfiguration = LoadedConfiguration(configuration: configuration, certificates: try CertificateShelf().certificates(of: configuration))
        let supervisor = try Supervisor(loadedConfiguration, recordsTo: null) { Output.line(welcome(port: port)) }
        try supervisor.serve(SimulatorResponder(shared: SharedSimulator(world: .standard(trustedDomains: ["auth.localhost:\(port)"]), now: now)), on: simulator.take())
        try supervisor.serve(sampleApplication(port: port, certificate: folder.path + "/certificate.pem"), on: sample.take())
        return supervisor.run()
    }

    private static let now: @Sendable () -> WallTime = { WallTime(milliseconds: menwei_wall_ms()) }

    /// The application checks assertions as any application would: with the keys it fetches from the gateway.
    private static func sampleApplication(port: UInt16, certificate: String) throws -> SampleApplication {
        var options = CurlCaller.Options()
        options.additionalCA = certificate
        options.usesEnvironmentProxy = false
        let caller = try CurlCaller(options)
        return SampleApplication(issuer: "https://auth.localhost:\(port)", audience: "https://wiki.localhost:\(port)", now: now) {
            try? await caller.call(OutboundRequest(url: "https://auth.localhost:\(port)/.menwei/jwks.json", timeout: .seconds(3))).body
        }
    }

    private static func configuration(port: UInt16, simulator: UInt16, sample: UInt16, operations: UInt16) -> String {
        """
        listen: { https: [ "127.0.0.1:\(port)" ], operations: "127.0.0.1:\(operations)" }
        tls: { certificates: [ { certificate: certificate.pem, key: key.pem } ] }
        auth: { origin: "https://auth.localhost:\(port)" }
        connections:
          - id: corp
            type: wecom
            name: { zh: 企业微信, en: WeCom }
            corp_id: ww0123456789abcdef
            agent_id: 1000002
            secret: simulator-secret
            endpoints:
              api: http://127.0.0.1:\(simulator)
              authorize: http://127.0.0.1:\(simulator)/connect/oauth2/authorize
              web_login: http://127.0.0.1:\(simulator)/wwlogin/sso/login
        sites:
          - id: wiki
            origin: https://wiki.localhost:\(port)
            upstream: http://127.0.0.1:\(sample)
            access:
              - { path: /public/*, allow: anyone }
              - { path: /admin/*, allow: { users: [lisi] } }
              - { allow: members }
            identity: { headers: { Remote-User: "{account}" } }
        sessions: { store: "memory:" }
        signing: { keys: keys }
        """
    }

    private static func welcome(port: UInt16) -> String {
        let wiki = "https://wiki.localhost:\(port)", auth = "https://auth.localhost:\(port)"
        return """

            Menwei is running. Open in a browser (it will warn once about the demo's own certificate):

                \(wiki)/

            Choose who scans on the login page, and you are in. \(wiki)/admin/ is for lisi alone, \(wiki)/public/ for everybody.

            What a browser inside WeCom gets, without a question:

                curl -kL -b '' -A 'wxwork/4.1.39 MicroMessenger/7.0.1' '\(auth)/.menwei/start/corp?return=\(wiki)/echo'

            What a program without a session gets, a 401 with the address of the login:

                curl -ki '\(wiki)/api/orders'

            Control-C ends it and leaves nothing behind.

            """
    }
}
