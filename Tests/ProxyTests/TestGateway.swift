import Access
import Bytes
import Crypto
import EventLoop
import Glibc
import HTTP
import Synchronization
import TLS
import Telemetry

@testable import Proxy

/// A gateway on a loop of its own, in front of a listener of the test's, without TLS: the test is its client and its upstream.
final class TestGateway {
    let upstream = Listener()
    let store = FakeStore()
    let health = StoreHealth()
    let metrics = Metrics(version: "0", commit: "0")
    private(set) var port: UInt16 = 0
    private let mailbox: Mailbox
    private let worker: LoopBound<Worker>
    private let records: (read: Int32, write: Int32)

    final class Worker {
        let loop: EventLoop
        let server: Server
        let portal: FakePortal
        private(set) var gateway: Gateway
        private let another: ([Rule]) -> Gateway

        init(_ loop: EventLoop, _ server: Server, _ portal: FakePortal, _ gateway: Gateway, another: @escaping ([Rule]) -> Gateway) {
            self.loop = loop
            self.server = server
            self.portal = portal
            self.gateway = gateway
            self.another = another
        }

        /// As a reload does it: a gateway with these rules takes the place of the one that serves, which is handed back.
        func reload(_ rules: [Rule]) -> Gateway {
            let last = gateway
            gateway = another(rules)
            server.replace(handler: gateway)
            last.close()
            server.review { [gateway] in gateway.wouldPass($0) }
            return last
        }
    }

    init(limits: ServerLimits = ServerLimits(), _ change: @escaping @Sendable (inout SiteOptions) -> Void = { _ in }) throws {
        var pipe: [Int32] = [0, 0]
        precondition(Glibc.pipe(&pipe) == 0)
        records = (pipe[0], pipe[1])
        let started = Channel<(Mailbox, LoopBound<Worker>, UInt16)>()
        let (upstreamPort, output, health, metrics) = (upstream.port, pipe[1], self.health, self.metrics)
        let store = self.store
        try NamedThread.start("test-gateway") {
            guard let (worker, port) = try? Self.make(limits, upstreamPort, output, store, health, metrics, change) else { preconditionFailure("no gateway") }
            started.put((worker.loop.mailbox, LoopBound(worker), port))
            worker.loop.run()
        }
        (mailbox, worker, port) = started.take()
    }

    private static func make(
        _ limits: ServerLimits, _ upstream: UInt16, _ output: Int32, _ store: FakeStore, _ health: StoreHealth, _ metrics: Metrics,
        _ change: (inout SiteOptions) -> Void
    ) throws -> (Worker, UInt16) {
        let loop = try EventLoop()
        let address = UpstreamAddress(host: "127.0.0.1", port: upstream, text: "http://127.0.0.1:\(upstream)")
        var site = SiteOptions(id: "wiki", origin: Origin(host: "wiki.test"), upstreams: [address])
        site.rules = [
            Rule(path: .under(Array("/open".utf8)), pattern: "/open/*", methods: [], allow: .anyone, source: "test:1"),
            Rule(path: .under(Array("/admin".utf8)), pattern: "/admin/*", methods: [], allow: .users(["root"]), source: "test:2"),
        ]
        site.identityHeaders = IdentityHeader.defaults
        change(&site)
        var options = GatewayOptions(
            authOrigin: Origin(host: "auth.test"), sites: [site], ownershipFiles: [], plainNames: "corp", via: ViaName(token: 0))
        let sessions = SessionCache(store, limits: SessionLimits(), members: nil, health: health, on: loop)
        let minter = try AssertionMinter(SigningKey.generate(), issuer: "https://auth.test", lifetime: .seconds(120))
        let recorder = Recorder(output: output, diagnostics: output)
        let portal = FakePortal()
        func make() -> Gateway {
            Gateway(
                options, on: loop, sessions: sessions, portal: portal, minter: minter, metrics: metrics.shard(sites: ["wiki"]), recorder: recorder)
        }
        let gateway = make()
        let server = Server(on: loop, limits: limits, tls: nil, handler: gateway, metrics: metrics.shard(sites: []))
        let socket = try Sockets.listen(on: SocketAddress(bytes: [127, 0, 0, 1], port: 0), shared: false)
        let port = Sockets.localAddress(of: socket)?.port ?? 0
        try server.listen(on: socket)
        return (Worker(loop, server, portal, gateway) { rules in
            options.sites[0].rules = rules
            return make()
        }, port)
    }

    deinit {
        onLoop { $0.loop.stop() }
        close(records.read)
    }

    /// Runs `body` on the gateway's thread and waits for what it says.
    @discardableResult func onLoop<T: Sendable>(_ body: @escaping @Sendable (Worker) -> T) -> T {
        let answer = Channel<T>()
        mailbox.post { [worker] in answer.put(body(worker.value)) }
        return answer.take()
    }

    /// - Parameter host: the last byte of the address in 127.0.0.0/24 to come from.
    func client(from host: UInt32 = 1) -> Socket { Socket.connect(to: port, from: host) }

    /// How many connections were refused for that reason.
    func refused(_ reason: ConnectionRefusal) -> Int? {
        let start = "menwei_connections_refused_total{reason=\"\(reason.name)\"} "
        return metrics.render().split(separator: "\n").first { $0.hasPrefix(start) }.flatMap { Int($0.dropFirst(start.count)) }
    }

    /// Signs somebody in.
    func signIn(sid: String = "s1", account: String = "zhangsan") {
        let now = WallTime(seconds: Int64(time(nil)))
        store.state.withLock { $0.sessions[CookieValue.digest(Sample.cookie)!] = Sample.record(sid: sid, account: account, now: now) }
    }

    /// Lets the store say something, and comes back when the gateway has heard it.
    func tell(_ notice: StoreNotice) {
        store.tell(notice)
        onLoop { _ in true }
    }

    /// Asks the loop again and again, for twenty seconds at the most.
    func eventually(_ condition: @escaping @Sendable (Worker) -> Bool) -> Bool {
        let limit = ContinuousClock.now + .seconds(20)
        repeat {
            if onLoop(condition) { return true }
            sched_yield()
        } while ContinuousClock.now < limit
        return false
    }

    /// The next record that was written.
    func record() -> String {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while read(records.read, &byte, 1) == 1, byte != 0x0A { line.append(byte) }
        return String(decoding: line, as: UTF8.self)
    }
}

/// One value from one thread to another that waits for it.
final class Channel<T: Sendable>: Sendable {
    private let value = Mutex<T?>(nil)
    func put(_ new: T) { value.withLock { $0 = new } }
    func take() -> T {
        while true {
            if let value = value.withLock({ $0 }) { return value }
            sched_yield()
        }
    }
}

extension Socket {
    /// Sends a request for `wiki.test`.
    func ask(_ method: String, _ target: String, _ fields: String..., cookie: Bool = false, body: String = "", version: String = "1.1") {
        var text = "\(method) \(target) HTTP/\(version)\r\nHost: wiki.test\r\n"
        if cookie { text += "Cookie: a=b; __Host-menwei=\(Sample.cookie); c=d\r\n" }
        for field in fields { text += field + "\r\n" }
        if !body.isEmpty { text += "Content-Length: \(body.utf8.count)\r\n" }
        send(text + "\r\n" + body)
    }
}
