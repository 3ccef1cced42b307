import Bytes
import CLinux
import Settings
import Storage
import TLS

extension LoadHooks {
    /// Looks into everything that `run` reads. Only for a process that has no store open.
    static var ofProcess: LoadHooks { LoadHooks(validateCertificate: Certificates.report) { SQLiteStore.problem(path: $0) } }
}

/// The certificate files of a configuration, read and checked.
enum Certificates {
    /// What `check` and `run` say of one pair of files.
    static func report(_ files: CertificateFiles) -> CertificateReport {
        do throws(TLSError) {
            let material = try load(files)
            var warning: String?
            let days = (material.notAfter.seconds - menwei_wall_ms() / 1000) / 86400
            if days < 0 { warning = "the certificate has expired" } else if days < 14 { warning = "the certificate expires in \(days) days" }
            return CertificateReport(warning: warning, names: material.names)
        } catch {
            return CertificateReport(problem: error.reason)
        }
    }

    static func load(_ files: CertificateFiles) throws(TLSError) -> CertificateMaterial {
        let chain: [UInt8], key: [UInt8]
        do { chain = try TextFile.read(files.certificate, limit: 1 << 20) } catch { throw TLSError(.certificate, "\(files.certificate) \(error.why)") }
        do { key = try TextFile.read(files.key, limit: 1 << 20) } catch { throw TLSError(.key, "\(files.key) \(error.why)") }
        return try CertificateMaterial(chainPEM: chain, keyPEM: key)
    }
}
