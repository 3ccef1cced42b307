import Access
import Bytes
import CLinux
import Crypto
import EventLoop
import Glibc
import Portal
import Proxy
import Settings
import Storage
import Synchronization
import TLS
import Telemetry
import WeCom

/// The main thread: it owns the workers' handles, the operations listener and the signals, keeps the store tidy, brings new configurations in, and ends
/// the process.
final class Supervisor {
    let shared: Shared
    let loop: EventLoop
    let state = ProcessState()
    /// How many workers there are: as many as this process may use processors, which a container or taskset may have narrowed.
    let count = Int(menwei_processors())
    private let operations: Server
    var workers: [Worker.Handle] = []
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

    // What a reload changes (Reload.swift)
    /// The configuration in force.
    var edition: Edition
    var keys: KeyFolderContents
    /// The longest life of an assertion that any configuration of this process gave.
    var longestLifetime: Duration
    /// Where it listens.
    var bound: [ListenAddress: BoundAddress] = [:]
    var turns = ReloadTurns()
    // What time changes (Renewal.swift)
    var tickets: TicketKeys
    /// What the workers were told of the keys.
    var duty: SigningDuty
    /// Certificates that were read again and are not in use yet.
    var freshCertificates: [CertificateFiles: CertificateMaterial] = [:]
    var files: FileWatch?

    /// What is under way gets this long after SIGTERM.
    private static let drainLimit = Duration.seconds(30)
    /// And to be cut off and recorded, this long.
    private static let cutLimit = Duration.seconds(2)

    /// - Parameters:
    ///   - recordsTo: the descriptor that access and audit records go to.
    ///   - whenReady: called once every listener accepts.
    init(_ loaded: LoadedConfiguration, recordsTo: Int32 = 1, whenReady: @escaping () -> Void) throws(StartFault) {
        self.whenReady = whenReady
        let configuration = loaded.configuration
        do throws(SystemError) { loop = try EventLoop() } catch { throw StartFault(message: error.description) }
        // Sockets first: a taken port must not leave a new store or key behind.
        var addresses: [BoundAddress] = []
        let operationsAddress: BoundAddress
        do throws(ListenFault) {
            for address in configuration.listen.https + configuration.listen.http { addresses.append(try BoundAddress(address, count: count)) }
            operationsAddress = try BoundAddress(configuration.listen.operations, count: 1)
        } catch { throw StartFault(message: error.message, place: error.place(in: configuration)) }
        for address in addresses + [operationsAddress] { bound[address.address] = address }
        let now = Shared.now()
        let recorder = Recorder(output: recordsTo, level: configuration.log.level.logLevel)
        do {
            keys = try KeyFolder(path: configuration.signing.keys).openOrCreate(configuration.signing.rotation.algorithm, lifetime: configuration.signing.lifetime, now: now)
        } catch { throw StartFault(message: "signing.keys: \(error.path): \(error.message)") }
        for (path, message) in keys.warnings { recorder.log(.warn, "signing key", [("path", path), ("problem", message)]) }
        longestLifetime = configuration.signing.lifetime
        guard let duty = SigningDuty(keys, lifetime: longestLifetime, longest: longestLifetime, at: now) else {
            throw StartFault(message: "signing.keys: no key signs")
        }
        self.duty = duty
        shared = try Shared(configuration, recorder, sealing: keys.sealing)
        do { tickets = TicketKeys(random: try Random.bytes(TicketKeys.size), at: loop.now) } catch { throw StartFault(message: "the system gives no random numbers") }
        edition = Edition(loaded, shared, last: nil, at: now)
        operations = Server(on: loop, limits: ServerLimits(), tls: nil,
            handler: ResponderHandler(OperationsResponder(state: state, store: shared.store, metrics: shared.metrics), on: loop))
        do throws(SystemError) {
            for socket in operationsAddress.sockets { try operations.listen(on: Descriptor(owning: socket)) }
            signals = try SignalWatch([SIGTERM, SIGINT, SIGHUP], on: loop) { [unowned self] in heard($0) }
        } catch { throw StartFault(message: error.description) }
        shared.gauges.show(edition)
        for number in 0..<count {
            try start(edition.plan(keys: duty, tickets: tickets, bound: addresses, number: number), number)
        }
        try watchFiles()
        listenToEvents()
        keepTidy()
    }

    /// Members whom an event names are looked up at once. Of what happened while this gateway did not run WeCom told nobody: everybody is looked up then.
    private func listenToEvents() {
        let bound = LoopBound(self)
        let mailbox = loop.mailbox
        shared.suspicions.subscribe {
            mailbox.post {
                let supervisor = bound.value
                supervisor.loop.spawn { await supervisor.edition.members.attend() }
            }
        }
        for connection in edition.configuration.connections where connection.wecom?.events != nil {
            shared.suspicions.note(everybodyOf: connection.id, now: Shared.now())
        }
    }

    private func watchFiles() throws(StartFault) {
        let bound = LoopBound(self)
        let mailbox = loop.mailbox
        let files = FileWatch(keys: edition.configuration.signing.keys) { news in mailbox.post { bound.value.heard(news) } }
        files.watch(edition.certificates, edition.configuration.signing.rotation)
        do throws(SystemError) { try files.start(keys) } catch { throw StartFault(message: error.description) }
        self.files = files
    }

    private func start(_ plan: ServingPlan, _ number: Int) throws(StartFault) {
        let bound = LoopBound(self)
        let mailbox = loop.mailbox
        do throws(SystemError) {
            try Worker.start(plan, shared, number: number) { handle, why in
                mailbox.post { bound.value.started(handle, why) }
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
        shared.recorder.flush()
        return status
    }

    private func started(_ handle: Worker.Handle?, _ why: String) {
        guard let handle else {
            Output.error("menwei: a worker did not start: \(why)")
            status = 1
            return loop.stop()
        }
        workers.append(handle)
        if workers.count == count, state.phase == .starting {
            state.phase = .ready
            whenReady()
            if turns.started() { reload() }
        }
    }

    // MARK: upkeep

    private func keepTidy() {
        let store = shared.store
        let recorder = shared.recorder
        let health = shared.storeHealth
        every(.milliseconds(500)) { [unowned self] now in
            pollBegan = loop.clock()
            defer { pollBegan = nil }
            do throws(StoreFailure) {
                for ending in try await store.poll(now: now) {
                    recorder.audit(AuditEvent(
                        .revoked, account: ending.account, connection: ending.connection, sid: ending.sid, result: "elsewhere"))
                }
                health.isDown = false
            } catch {
                health.isDown = true
                recorder.log(.error, "session store", [("code", error.code.rawValue), ("detail", error.detail)])
            }
        }
        every(.milliseconds(500)) { [unowned self] now in
            do throws(StoreFailure) { try await edition.accountWatch?.poll(now: now) } catch {
                recorder.log(.error, "account store", [("code", error.code.rawValue), ("detail", error.detail)])
            }
        }
        // A store that does not answer at all is no better than one that says that it cannot.
        every(.seconds(1)) { [unowned self] _ in
            guard let began = pollBegan, !health.isDown, loop.clock().since(began) > Self.storeLimit else { return }
            health.isDown = true
            recorder.log(.error, "session store", [("code", "unreachable"), ("detail", "it does not answer")])
        }
        every(.seconds(60)) { [unowned self] _ in renewTickets() }
        every(.seconds(1)) { [unowned self] _ in renewKeys() }
        every(.seconds(2)) { [unowned self] _ in await edition.members.sweep() }
        every(.seconds(5)) { [accounts = shared.accountFile] now in
            try? await store.sweep(now: now)
            try? await accounts?.sweep(now: now)
        }
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
            if turns.asked() { reload() }
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
        let cut = LoopTimer { [unowned self] in for worker in workers { worker.cutOff() } }
        // A worker that hears nothing any more holds nobody up.
        let limit = LoopTimer { [unowned self] in loop.stop() }
        timers += [cut, limit]
        loop.schedule(cut, after: Self.drainLimit.nanoseconds)
        loop.schedule(limit, after: (Self.drainLimit + Self.cutLimit).nanoseconds)
    }
}

/// Counts workers down; says who is the last.
final class Countdown: Sendable {
    private let left: Atomic<Int>
    init(_ count: Int) { left = Atomic(count) }
    func isLast() -> Bool { left.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 }
}
