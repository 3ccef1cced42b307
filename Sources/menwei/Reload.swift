import Access
import Bytes
import Crypto
import EventLoop
import Settings
import Storage
import Synchronization
import Telemetry

/// SIGHUP: a new configuration takes the place of the old, as a whole or not at all.
///
/// It is read on a thread of its own, sockets are bound here, and each worker makes what it needs beside what serves (`Worker.prepare`). Only when nothing
/// can fail any more is it put in force everywhere (`Worker.commit`).
extension Supervisor {
    func reload() {
        let bound = LoopBound(self)
        let mailbox = loop.mailbox
        let running = edition.configuration
        do throws(SystemError) {
            try NamedThread.start("reload") {
                let (loaded, messages) = LoadedConfiguration.read(running.file, inPlaceOf: running)
                mailbox.post { bound.value.read(loaded, messages) }
            }
        } catch { refuse(["menwei: \(error.description)"]) }
    }

    private func read(_ loaded: LoadedConfiguration?, _ messages: [String]) {
        guard let loaded else { return refuse(messages) }
        for message in messages { Output.error(message) }
        if state.phase == .draining { return refuse(["menwei: the gateway stops"]) }
        let now = Shared.now()
        let next = Edition(loaded, shared, last: edition, at: now)
        let lifetime = next.configuration.signing.lifetime
        guard let duty = SigningDuty(keys, lifetime: lifetime, longest: longestLifetime, at: now) else { return refuse(["menwei: signing.keys: no key signs"]) }
        let added: [BoundAddress]
        do throws(ListenFault) {
            added = try bind(next.configuration)
        } catch {
            return refuse([error.place(in: next.configuration).faultLine])
        }
        prepare(next, added, duty)
    }

    /// Sockets for the addresses that are new.
    private func bind(_ configuration: Configuration) throws(ListenFault) -> [BoundAddress] {
        var added: [BoundAddress] = []
        do throws(ListenFault) {
            for address in configuration.listen.https + configuration.listen.http where bound[address] == nil {
                added.append(try BoundAddress(address, count: count, own: bound.keys))
            }
        } catch {
            for address in added { address.discard() }
            throw error
        }
        return added
    }

    private func prepare(_ next: Edition, _ added: [BoundAddress], _ duty: SigningDuty) {
        let supervisor = LoopBound(self)
        let mailbox = loop.mailbox
        let answers = Answers(workers.count)
        for (number, worker) in workers.enumerated() {
            worker.prepare(next.plan(keys: duty, tickets: tickets, bound: added, number: number)) { fault in
                guard let faults = answers.add(fault) else { return }
                mailbox.post { supervisor.value.prepared(next, added, duty, faults) }
            }
        }
    }

    private func prepared(_ next: Edition, _ added: [BoundAddress], _ duty: SigningDuty, _ faults: [String]) {
        if !faults.isEmpty || state.phase == .draining {
            for worker in workers { worker.discard() }
            return refuse(faults.isEmpty ? ["menwei: the gateway stops"] : faults.map { "menwei: \($0)" })
        }
        let supervisor = LoopBound(self)
        let mailbox = loop.mailbox
        let waiting = Countdown(workers.count)
        for worker in workers {
            worker.commit { if waiting.isLast() { mailbox.post { supervisor.value.committed(next, added, duty) } } }
        }
    }

    private func committed(_ next: Edition, _ added: [BoundAddress], _ duty: SigningDuty) {
        edition = next
        self.duty = duty
        freshCertificates = [:]
        files?.watch(next.certificates, next.configuration.signing.rotation)
        longestLifetime = max(longestLifetime, next.configuration.signing.lifetime)
        let configuration = next.configuration
        let wanted = Set(configuration.listen.https + configuration.listen.http + [configuration.listen.operations])
        bound = bound.filter { wanted.contains($0.key) }
        for address in added { bound[address.address] = address }
        shared.recorder.setLevel(configuration.log.level.logLevel)
        shared.gauges.show(next)
        let store = shared.store
        let limits = configuration.sessions.limits
        loop.spawn { await store.setLimits(limits) }
        shared.recorder.audit(AuditEvent(.reload, result: "ok"))
        Output.error("menwei: reloaded")
        ended()
    }

    private func refuse(_ messages: [String]) {
        for message in messages { Output.error(message) }
        shared.gauges.reloadFailed()
        shared.recorder.audit(AuditEvent(.reload, result: "refused"))
        Output.error("menwei: reload refused")
        ended()
    }

    private func ended() {
        if turns.ended() { return reload() }
        renewCertificates()
        renewKeys()
    }
}

/// What the workers say; whoever is the last gets all of it.
private final class Answers: Sendable {
    private let state: Mutex<(left: Int, faults: [String])>

    init(_ count: Int) { state = Mutex((count, [])) }

    /// A worker's fault, or nil where all is well. The faults of all when it was the last.
    func add(_ fault: String?) -> [String]? {
        state.withLock { state in
            state.left -= 1
            if let fault { state.faults.append(fault) }
            return state.left == 0 ? state.faults : nil
        }
    }
}
