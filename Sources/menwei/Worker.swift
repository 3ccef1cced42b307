import Access
import Bytes
import Crypto
import EventLoop
import HTTP
import Portal
import Proxy
import Storage
import TLS
import Telemetry

/// What a worker serves by one configuration, as values that may travel to its thread.
struct ServingPlan: Sendable {
    var tls: TLSOptions
    var gateway: GatewayOptions
    var portal: PortalOptions
    var providers: [String: any IdentityProvider]
    var members: MemberCheck
    var keys: SigningDuty
    /// Where it listens from now on.
    var https: Set<String>
    var http: Set<String>
    /// Its own sockets at addresses where it did not listen before.
    var sockets: [String: Int32]
    /// Whose word on their clients counts.
    var trusted: TrustedPeers
}

/// One worker: a thread with its own loop, listeners, TLS contexts, gateway, portal, session cache and upstream connections. Nothing of it is
/// touched by another thread; orders come through its mailbox.
///
/// A new configuration comes in two steps: `prepare` makes everything anew and may fail, `commit` puts it in the place of the old and may not.
final class Worker {
    private let shared: Shared
    private let loop: EventLoop
    private let sessions: SessionCache
    private let scans: ScanWaits
    private let published = PublishedKeys()
    private let server: Server
    private let plain: Server
    private var serving: Serving
    private var prepared: Serving?

    /// What belongs to one configuration.
    private struct Serving {
        var plan: ServingPlan
        var gateway: Gateway
        var tls: TLSContext
        var plain: ResponderHandler
        /// At the addresses where the worker did not listen before.
        var listeners: [ServerListener]
    }

    /// The JWK set that this worker shows.
    private final class PublishedKeys {
        var bytes: [UInt8] = []
    }

    private init(_ plan: ServingPlan, _ shared: Shared) throws {
        self.shared = shared
        loop = try EventLoop()
        sessions = SessionCache(shared.store, limits: plan.portal.limits, members: plan.members, health: shared.storeHealth, on: loop)
        scans = ScanWaits(shared.store, on: loop)
        serving = try Self.make(plan, shared, loop, sessions, scans, published)
        published.bytes = plan.keys.publicKeys
        // The connections outlive each gateway, so they have counters of their own.
        let metrics = shared.metrics.shard(sites: [])
        server = Server(on: loop, limits: DescriptorBudget.limits, tls: serving.tls, handler: serving.gateway, trusted: plan.trusted, metrics: metrics)
        plain = Server(on: loop, limits: DescriptorBudget.limits, tls: nil, handler: serving.plain, trusted: plan.trusted, metrics: metrics)
        listen()
    }

    private static func make(_ plan: ServingPlan, _ shared: Shared, _ loop: EventLoop, _ sessions: SessionCache, _ scans: ScanWaits, _ published: PublishedKeys) throws -> Serving {
        // First, so that the sockets have an owner whatever fails.
        let sockets = plan.sockets.map { (name: $0.key, socket: OwnedSocket(Descriptor(owning: $0.value))) }
        let portal = Portal(
            options: plan.portal, store: shared.store, accounts: shared.accounts, providers: plan.providers, records: shared.records, suspicions: shared.suspicions,
            scans: scans
        ) { published.bytes }
        let tls = try TLSContext(plan.tls)
        let minter = try AssertionMinter(plan.keys.key, issuer: plan.gateway.authOrigin.text, lifetime: plan.keys.lifetime)
        var listeners: [ServerListener] = []
        do throws(SystemError) {
            for (name, socket) in sockets { listeners.append(try ServerListener(socket.take(), name: name, on: loop)) }
        } catch {
            for listener in listeners { listener.close() }
            throw error
        }
        let gateway = Gateway(
            plan.gateway, on: loop, sessions: sessions, portal: portal, minter: minter, metrics: shared.metrics.shard(sites: plan.gateway.sites.map(\.id), upstreams: plan.gateway.sites.map { $0.upstreams.map(\.text) }),
            recorder: shared.recorder)
        let responder = PlainResponder(
            origins: [plan.gateway.authOrigin] + plan.gateway.sites.map(\.origin), ownershipFiles: plan.gateway.ownershipFiles)
        return Serving(plan: plan, gateway: gateway, tls: tls, plain: ResponderHandler(responder, on: loop), listeners: listeners)
    }

    // MARK: reload

    private func commit() {
        guard let next = prepared else { return }
        prepared = nil
        let last = serving
        serving = next
        published.bytes = next.plan.keys.publicKeys
        sessions.adopt(limits: next.plan.portal.limits, members: next.plan.members)
        server.replace(tls: next.tls)
        server.replace(handler: next.gateway)
        plain.replace(handler: next.plain)
        server.replace(trusted: next.plan.trusted)
        plain.replace(trusted: next.plan.trusted)
        listen()
        last.gateway.close()
        server.review { next.gateway.wouldPass($0) }
    }

    /// Listens where the configuration says: sockets that it still names stay, whoever waits in them.
    private func listen() {
        let plan = serving.plan
        let released = server.release(unless: plan.https) + plain.release(unless: plan.http)
        for listener in serving.listeners + released {
            if plan.https.contains(listener.name) {
                server.listen(on: listener)
            } else if plan.http.contains(listener.name) {
                plain.listen(on: listener)
            } else {
                listener.close()
            }
        }
        serving.listeners = []
    }

    /// What other threads may do with a worker.
    struct Handle: Sendable {
        fileprivate let mailbox: Mailbox
        fileprivate let worker: LoopBound<Worker>

        /// Makes everything that `plan` says, beside what serves. `done` hears, on the worker's thread, why it cannot be made; nil: it is there.
        func prepare(_ plan: ServingPlan, _ done: @escaping @Sendable (String?) -> Void) {
            mailbox.post { [worker] in
                let worker = worker.value
                do {
                    worker.prepared = try Worker.make(plan, worker.shared, worker.loop, worker.sessions, worker.scans, worker.published)
                    done(nil)
                } catch {
                    done("\(error)")
                }
            }
        }

        /// Puts what was prepared in the place of what serves, and then calls `done` on the worker's thread.
        func commit(_ done: @escaping @Sendable () -> Void) {
            mailbox.post { [worker] in
                worker.value.commit()
                done()
            }
        }

        /// Forgets what was prepared.
        func discard() {
            mailbox.post { [worker] in
                let worker = worker.value
                for listener in worker.prepared?.listeners ?? [] { listener.close() }
                worker.prepared?.gateway.close()
                worker.prepared = nil
            }
        }

        /// New connections get these certificates.
        func replace(tls options: TLSOptions) {
            mailbox.post { [worker] in
                let worker = worker.value
                do throws(TLSError) {
                    worker.serving.tls = try TLSContext(options)
                    worker.server.replace(tls: worker.serving.tls)
                } catch {
                    worker.shared.recorder.log(.error, "certificates not taken", [("problem", error.reason)])
                }
            }
        }

        /// Signs with, and shows, these keys.
        func replace(keys: SigningDuty) {
            mailbox.post { [worker] in
                let worker = worker.value
                do {
                    let minter = try AssertionMinter(keys.key, issuer: worker.serving.plan.gateway.authOrigin.text, lifetime: keys.lifetime)
                    worker.published.bytes = keys.publicKeys
                    worker.serving.gateway.replace(minter: minter)
                } catch {
                    worker.shared.recorder.log(.error, "signing key not taken", [("kid", keys.key.kid)])
                }
            }
        }

        /// TLS sessions are kept with these keys from now on.
        func replace(tickets: TicketKeys) {
            mailbox.post { [worker] in
                worker.value.prepared?.tls.replace(tickets: tickets)
                worker.value.serving.tls.replace(tickets: tickets)
            }
        }

        /// Stops accepting, lets what is under way finish, and calls `done` on the worker's thread.
        func drain(_ done: @escaping @Sendable () -> Void) {
            mailbox.post { [worker] in
                let worker = worker.value
                // Both at once: neither may take anybody new while the other finishes.
                var waiting = 2
                func drained() {
                    waiting -= 1
                    if waiting == 0 { done() }
                }
                worker.server.drain(drained)
                worker.plain.drain(drained)
            }
        }

        /// Cuts off whatever a drain waits for; what `drain` was given is called then.
        func cutOff() {
            mailbox.post { [worker] in
                worker.value.server.cutOff()
                worker.value.plain.cutOff()
            }
        }
    }

    /// Starts the thread; `ready` is called on it with the handle once its listeners accept, or with nil and why they do not.
    static func start(_ plan: ServingPlan, _ shared: Shared, number: Int, ready: @escaping @Sendable (Handle?, String) -> Void) throws(SystemError) {
        try NamedThread.start("worker-\(number)") {
            do {
                let worker = try Worker(plan, shared)
                ready(Handle(mailbox: worker.loop.mailbox, worker: LoopBound(worker)), "")
                worker.loop.run()
            } catch {
                ready(nil, "\(error)")
            }
        }
    }
}

/// Owns a socket until somebody takes it: arrays hold no noncopyable values.
private final class OwnedSocket {
    private var descriptor: Descriptor?
    init(_ descriptor: consuming Descriptor) { self.descriptor = consume descriptor }
    func take() -> Descriptor { descriptor.take()! }
}
