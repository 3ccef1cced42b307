import Access
import Bytes
import CLinux
import Crypto
import EventLoop
import Glibc
import Portal
import Proxy
import Settings
import Synchronization
import TLS
import Telemetry

/// `menwei run`: reads the configuration, binds, starts a worker per processor, and waits for signals on the main thread.
enum RunCommand {
    static func run(_ file: String) -> Int32 {
        let loaded = Configuration.load(file: file, hooks: .ofProcess)
        for message in loaded.messages { Output.error(message) }
        guard let configuration = loaded.configuration else { return 2 }
        SignalWatch.hold([SIGTERM, SIGINT, SIGHUP])
        // A connection takes two descriptors; the usual soft limit is meant for programs that call select.
        menwei_raise_descriptor_limit()
        do {
            return try Supervisor(configuration) { Output.error("menwei: ready") }.run()
        } catch {
            Output.error("menwei: \(error.message)")
            return error.status
        }
    }
}

/// The main thread: it owns the workers' handles, the operations listener and the signals, keeps the store tidy, and ends the process.
final class Supervisor {
    private let startup: Startup
    private let loop: EventLoop
    private let state = ProcessState()
    private let operations: Server
    private var workers: [Worker.Handle] = []
    private var timers: [LoopTimer] = []
    private var signals: SignalWatch?
    private var status: Int32 = 0
    private let whenReady: () -> Void
    /// When the store was asked for news; nil while it has answered.
    private var pollBegan: MonotonicTime?
    /// 10 s: longer than a store that is merely busy takes.
    private static let storeLimit: UInt64 = 10_000_000_000
    /// What else is served from the main thread: the demo's simulator and application.
    private var others: [Server] = []

    /// What is under way gets this long after SIGTERM.
    private static let drainLimit = Duration.seconds(30)

    /// - Parameters:
    ///   - recordsTo: the descriptor that access and audit records go to.
    ///   - whenReady: called once every listener accepts.
    init(_ configuration: Configuration, recordsTo: Int32 = 1, whenReady: @escaping () -> Void) throws(StartFault) {
        self.whenReady = whenReady
        do throws(SystemError) { loop = try EventLoop() } catch { throw StartFault(message: error.description) }
        // Sockets first: a taken port must not leave a new store or key behind.
        // As many as this process may use, which a container or taskset may have narrowed.
        let count = Int(menwei_processors())
        var https: [[Int32]] = [], http: [[Int32]] = [], operationsSocket: [Int32] = []
        do throws(ListenFault) {
            for address in configuration.listen.https { https.append(try Listeners.bind(address, count: count)) }
            for address in configuration.listen.http { http.append(try Listeners.bind(address, count: count)) }
            operationsSocket = try Listeners.bind(configuration.listen.operations, count: 1)
        } catch { throw StartFault(message: error.message) }
        startup = try Startup(configuration, recordsTo: recordsTo)
        operations = Server(on: loop, limits: ServerLimits(), tls: nil,
            handler: ResponderHandler(OperationsResponder(state: state, store: startup.store, metrics: startup.metrics), on: loop))
        do throws(SystemError) {
            for socket in operationsSocket { try operations.listen(on: Descriptor(owning: socket)) }
            signals = try SignalWatch([SIGTERM, SIGINT, SIGHUP], on: loop) { [unowned self] in heard($0) }
        } catch { throw StartFault(message: error.description) }
        let tickets: [UInt8]
        do { tickets = try Random.bytes(80) } catch { throw StartFault(message: "the system gives no random numbers") }
        for number in 0..<count {
            let plan = try startup.plan(https: https.map { $0[number] }, http: http.map { $0[number] }, tickets: tickets)
            try start(plan, number, of: count)
        }
        keepTidy()
    }

    private func start(_ plan: WorkerPlan, _ number: Int, of count: Int) throws(StartFault) {
        let bound = LoopBound(self)
        let mailbox = loop.mailbox
        do throws(SystemError) {
            try Worker.start(plan, number: number) { handle, why in
                mailbox.post { bound.value.started(handle, why, of: count) }
            }
        } catch { throw StartFault(message: error.description) }
    }

    /// Serves a responder from the main thread, on a socket that listens already.
    func serve(_ responder: any Responder, on socket: Int32) throws(SystemError) {
        let server = Server(on: loop, limits: ServerLimits(), tls: nil, handler: ResponderHandler(responder, on: loop))
        try server.listen(on: Descriptor(owning: socket))
        others.append(server)
    }

    func run() -> Int32 {
        loop.run()
        startup.recorder.flush()
        return status
    }

    private func started(_ handle: Worker.Handle?, _ why: String, of count: Int) {
        guard let handle else {
            Output.error("menwei: a worker did not start: \(why)")
            status = 1
            return loop.stop()
        }
        workers.append(handle)
        if workers.count == count, state.phase == .starting {
            state.phase = .ready
            whenReady()
        }
    }

    // MARK: upkeep

    private func keepTidy() {
        let store = startup.store
        let recorder = startup.recorder
        let health = startup.storeHealth
        every(.milliseconds(500)) { [unowned self] now in
            pollBegan = loop.clock()
            defer { pollBegan = nil }
            do throws(StoreFailure) {
                try await store.poll(now: now)
                health.isDown = false
            } catch {
                health.isDown = true
                recorder.log(.error, "session store", [("code", error.code.rawValue), ("detail", error.detail)])
            }
        }
        // A store that does not answer at all is no better than one that says that it cannot.
        every(.seconds(1)) { [unowned self] _ in
            guard let began = pollBegan, !health.isDown, loop.clock().since(began) > Self.storeLimit else { return }
            health.isDown = true
            recorder.log(.error, "session store", [("code", "unreachable"), ("detail", "it does not answer")])
        }
        let members = startup.members
        every(.seconds(2)) { _ in await members.sweep() }
        every(.seconds(5)) { now in try? await store.sweep(now: now) }
        // Now and then, not for each scrape: a scrape must not wait for a store that hangs.
        every(.seconds(2)) { now in
            if let count = try? await store.count(now: now) { SessionCount.shared.set(count) }
        }
    }

    /// Does `work` now and again and again, the pause counted from its end.
    private func every(_ pause: Duration, _ work: @escaping (WallTime) async -> Void) {
        var again: (() -> Void)?
        let timer = LoopTimer { again?() }
        again = { [unowned self] in
            loop.spawn { [self] in
                await work(loop.wall)
                loop.schedule(timer, after: pause.nanoseconds)
            }
        }
        timers.append(timer)
        loop.schedule(timer, after: 0)
    }

    // MARK: signals

    private func heard(_ signal: Int32) {
        if signal == SIGHUP {
            Output.error("menwei: reloading is not available in this version; restart to use a changed configuration")
            Output.error("menwei: reload refused")
            return
        }
        // A second signal does not wait any longer.
        if state.phase == .draining { return loop.stop() }
        drain()
    }

    /// Listeners close, what is under way finishes, then the process ends: after 30 seconds in any case.
    private func drain() {
        state.phase = .draining
        let bound = LoopBound(self)
        let mailbox = loop.mailbox
        let waiting = Countdown(workers.count)
        for worker in workers {
            worker.drain { if waiting.isLast() { mailbox.post { bound.value.loop.stop() } } }
        }
        if workers.isEmpty { loop.stop() }
        let limit = LoopTimer { [unowned self] in loop.stop() }
        timers.append(limit)
        loop.schedule(limit, after: Self.drainLimit.nanoseconds)
    }
}

/// Counts workers down; says who is the last.
private final class Countdown: Sendable {
    private let left: Atomic<Int>
    init(_ count: Int) { left = Atomic(count) }
    func isLast() -> Bool { left.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 }
}
