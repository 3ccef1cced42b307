import Bytes
import CLinux
import Settings
import Storage
import Synchronization
import TLS

/// The certificate files of a configuration, read and checked.
enum Certificates {
    /// What is said of one pair of files.
    static func report(_ result: Result<CertificateMaterial, TLSError>, now: WallTime) -> CertificateReport {
        switch result {
        case .failure(let error): return CertificateReport(problem: error.reason)
        case .success(let material):
            var warning: String?
            let days = (material.notAfter.seconds - now.seconds) / 86400
            if days < 0 { warning = "the certificate has expired" } else if days < 14 { warning = "the certificate expires in \(days) days" }
            return CertificateReport(warning: warning, names: material.names)
        }
    }

    static func load(_ files: CertificateFiles) -> Result<CertificateMaterial, TLSError> {
        do throws(TLSError) {
            let chain: [UInt8], key: [UInt8]
            do { chain = try TextFile.read(files.certificate, limit: 1 << 20) } catch { throw TLSError(.certificate, "\(files.certificate) \(error.why)") }
            do { key = try TextFile.read(files.key, limit: 1 << 20) } catch { throw TLSError(.key, "\(files.key) \(error.why)") }
            let material = try CertificateMaterial(chainPEM: chain, keyPEM: key)
            // What OpenSSL would refuse to serve (a key that is too short) is found out here, and not by a worker.
            _ = try TLSContext(TLSOptions(certificates: [material], tickets: TicketKeys(random: [UInt8](repeating: 0, count: TicketKeys.size), at: MonotonicTime(nanoseconds: 0))))
            return .success(material)
        } catch {
            return .failure(error)
        }
    }
}

/// A certificate of the configuration, and how its files were before they were read.
struct LoadedCertificate: Sendable {
    let files: CertificateFiles
    let stamp: CertificateStamp
    var material: CertificateMaterial

    static func read(_ files: CertificateFiles) -> Result<LoadedCertificate, TLSError> {
        let stamp = CertificateStamp(files)
        return Certificates.load(files).map { LoadedCertificate(files: files, stamp: stamp, material: $0) }
    }
}

/// Keeps what is read of certificates while a configuration is checked: what was found good is what is used.
final class CertificateShelf: Sendable {
    private let read = Mutex<[CertificateFiles: LoadedCertificate]>([:])

    func report(_ files: CertificateFiles) -> CertificateReport {
        let result = LoadedCertificate.read(files)
        if case .success(let loaded) = result { read.withLock { $0[files] = loaded } }
        return Certificates.report(result.map(\.material), now: Shared.now())
    }

    /// The certificates of `configuration`; those that were not reported are read now.
    func certificates(of configuration: Configuration) throws(TLSError) -> [LoadedCertificate] {
        var all: [LoadedCertificate] = []
        for files in configuration.tls.certificates {
            if let loaded = read.withLock({ $0[files] }) { all.append(loaded) } else { all.append(try LoadedCertificate.read(files).get()) }
        }
        return all
    }
}

extension LoadHooks {
    /// Looks into everything that `run` reads. Only for a process that has no store open.
    static func ofProcess(_ shelf: CertificateShelf = CertificateShelf()) -> LoadHooks {
        LoadHooks { shelf.report($0) } inspectStore: { SQLiteStore.problem(path: $0) }
    }
}

extension LoadedConfiguration {
    /// Reads a configuration and the certificates that it names; nil where there is any fault. `messages` are lines for the administrator.
    /// - Parameter running: whose place it is to take; nil at the start.
    static func read(_ file: String, inPlaceOf running: Configuration? = nil) -> (loaded: LoadedConfiguration?, messages: [String]) {
        let shelf = CertificateShelf()
        var hooks = LoadHooks.ofProcess(shelf)
        if let running {
            hooks.running = running
            // The store is open: looking at it beside would let go of its locks.
            hooks.inspectStore = nil
        }
        let result = Configuration.load(file: file, hooks: hooks)
        guard let configuration = result.configuration else { return (nil, result.messages) }
        do {
            return (LoadedConfiguration(configuration: configuration, certificates: try shelf.certificates(of: configuration)), result.messages)
        } catch {
            return (nil, result.messages + ["\(file):1:1: \(error.reason)"])
        }
    }
}
