import Bytes
import Crypto
import EventLoop
import Settings
import TLS
import Telemetry

/// What changes in the course of time without a new configuration: certificates, signing keys, the keys of session tickets.
extension Supervisor {
    func heard(_ news: FileWatch.News) {
        switch news {
        case .certificate(let files, let material):
            freshCertificates[files] = material
            renewCertificates()
        case .keys(let contents):
            keys = contents
            renewKeys()
        case .problem(let path, let message):
            shared.recorder.log(.error, "file not taken", [("path", path), ("problem", message)])
        case .warning(let path, let message):
            shared.recorder.log(.warn, "signing key", [("path", path), ("problem", message)])
        case .notRotated(let path, let message):
            shared.recorder.log(.error, "no new signing key", [("path", path), ("problem", message)])
        }
    }

    /// New handshakes show the certificates that were found; open connections keep theirs.
    func renewCertificates() {
        // A reload that is taken reads them itself; after one that is refused they come.
        if turns.isRunning || freshCertificates.isEmpty { return }
        for (index, certificate) in edition.certificates.enumerated() {
            guard let material = freshCertificates[certificate.files] else { continue }
            edition.certificates[index].material = material
            shared.recorder.log(.info, "certificate replaced", [("path", certificate.files.certificate), ("name", material.names.first ?? "")])
        }
        freshCertificates = [:]
        let options = edition.tlsOptions(tickets: tickets)
        for worker in workers { worker.replace(tls: options) }
        shared.gauges.showCertificates(edition)
    }

    /// Whichever keys sign and are published now, by their names and the clock.
    func renewKeys() {
        if turns.isRunning || workers.count < count { return }
        let lifetime = edition.configuration.signing.lifetime
        guard let next = SigningDuty(keys, lifetime: lifetime, longest: longestLifetime, at: Shared.now()), !SigningDuty.isSame(next, duty) else { return }
        if next.key.kid != duty.key.kid {
            shared.recorder.audit(AuditEvent(.keyRotated, result: "ok"))
            shared.recorder.log(.info, "another key signs", [("kid", next.key.kid)])
        }
        duty = next
        for worker in workers { worker.replace(keys: next) }
    }

    func renewTickets() {
        // Without random numbers the keys stay as they are: another look comes in a minute.
        guard tickets.isDue(at: loop.now), let random = try? Random.bytes(TicketKeys.size) else { return }
        tickets.rotate(random: random, at: loop.now)
        for worker in workers { worker.replace(tickets: tickets) }
    }
}
