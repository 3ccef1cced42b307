import Access
import Bytes
import CLinux
import Crypto
import EventLoop
import HTTP
import Portal
import Proxy
import Storage
import TLS
import Telemetry

/// Everything a worker needs, as values that may travel to its thread, and the few things that all workers share.
struct WorkerPlan: Sendable {
    var tls: TLSOptions
    var gateway: GatewayOptions
    var portal: PortalOptions
    var limits = DescriptorBudget.limits
    var trusted: TrustedPeers
    /// Its own sockets of the https listeners, and of the plain ones.
    var https: [Int32]
    var http: [Int32]
    var signingKey: SigningKey
    /// The JWK set.
    var publicKeys: [UInt8]
    var assertionLifetime: Duration
    var store: any SessionStore
    var directories: [String: Directory]
    var metrics: WorkerMetrics
    var records: PortalRecords
    var recorder: Recorder
}

/// One worker: a thread with its own loop, listeners, TLS contexts, gateway, portal, session cache and upstream connections. Nothing of it is
/// touched by another thread; orders come through its mailbox.
final class Worker {
    private let loop: EventLoop
    private let server: Server
    private let plain: Server

    private init(_ plan: WorkerPlan) throws {
        loop = try EventLoop()
        let portal = Portal(options: plan.portal, store: plan.store, providers: plan.directories, records: plan.records) { plan.publicKeys }
        let minter = try AssertionMinter(plan.signingKey, issuer: plan.gateway.authOrigin.text, lifetime: plan.assertionLifetime)
        let gateway = Gateway(plan.gateway, on: loop, store: plan.store, portal: portal, minter: minter, metrics: plan.metrics, recorder: plan.recorder)
        server = Server(on: loop, limits: plan.limits, tls: try TLSContext(plan.tls), handler: gateway, trusted: plan.trusted, metrics: plan.metrics)
        let origins = [plan.gateway.authOrigin] + plan.gateway.sites.map(\.origin)
        let responder = PlainResponder(origins: origins, ownershipFiles: plan.gateway.ownershipFiles)
        plain = Server(on: loop, limits: plan.limits, tls: nil, handler: ResponderHandler(responder, on: loop), trusted: plan.trusted, metrics: plan.metrics)
        for socket in plan.https { try server.listen(on: Descriptor(owning: socket)) }
        for socket in plan.http { try plain.listen(on: Descriptor(owning: socket)) }
    }

    /// What other threads may do with a worker.
    struct Handle: Sendable {
        fileprivate let mailbox: Mailbox
        fileprivate let worker: LoopBound<Worker>

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
    }

    /// Starts the thread; `ready` is called on it with the handle once its listeners accept, or with nil and why they do not.
    static func start(_ plan: WorkerPlan, number: Int, ready: @escaping @Sendable (Handle?, String) -> Void) throws(SystemError) {
        try NamedThread.start("worker-\(number)") {
            do {
                let worker = try Worker(plan)
                ready(Handle(mailbox: worker.loop.mailbox, worker: LoopBound(worker)), "")
                worker.loop.run()
            } catch {
                ready(nil, "\(error)")
            }
        }
    }
}
