public import Bytes
import TLS

extension LoadHooks {
    /// Looks into certificates as `run` would; `now` is for their end.
    public static func inspecting(now: WallTime) -> LoadHooks {
        LoadHooks { files in CertificateReport(inspecting: files, now: now) }
    }
}

extension CertificateReport {
    /// A certificate that ends within this time is worth a warning.
    static let soon = Duration.seconds(14 * 86400)

    init(inspecting files: CertificateFiles, now: WallTime) {
        self.init()
        do throws(TextFile.Failure) {
            let chain = try TextFile.read(files.certificate, limit: 1 << 20)
            let key = try TextFile.read(files.key, limit: 1 << 20)
            inspect(chain, key, files, now)
        } catch {
            problem = "the certificate \(quoted(path: files.certificate)) or its key \(error.why)"
        }
    }

    private mutating func inspect(_ chain: [UInt8], _ key: [UInt8], _ files: CertificateFiles, _ now: WallTime) {
        do throws(TLSError) {
            let material = try CertificateMaterial(chainPEM: chain, keyPEM: key)
            names = material.names
            if material.notAfter < now {
                warning = "the certificate \(quoted(path: files.certificate)) ended on \(Self.day(material.notAfter))"
            } else if material.notAfter < now.advanced(by: Self.soon) {
                warning = "the certificate \(quoted(path: files.certificate)) ends on \(Self.day(material.notAfter))"
            }
        } catch {
            let file = error.code == .key ? files.key : files.certificate
            problem = "\(quoted(path: file)) cannot be used: \(error.reason)"
        }
    }

    /// `2026-01-31`
    private static func day(_ time: WallTime) -> String { String(RFC3339.format(time).prefix(10)) }
}
