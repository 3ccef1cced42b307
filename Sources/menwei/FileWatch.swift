import Bytes
import Crypto
import EventLoop
import Glibc
import Settings
import Synchronization
import TLS

/// Looks at the certificates and the key folder once a second, on a thread of its own: a file system that hangs holds nobody up. Asking the file system
/// finds what notices miss: links pointed elsewhere, folders exchanged, network mounts.
final class FileWatch: Sendable {
    enum News: Sendable {
        case certificate(CertificateFiles, CertificateMaterial)
        /// Other keys than before.
        case keys(KeyFolderContents)
        /// Something was not taken, for the administrator; whatever was there before serves on.
        case problem(path: String, message: String)
    }

    /// Looks are that far apart.
    private static let pause: UInt32 = 1

    private let wanted = Mutex<(number: Int, certificates: [LoadedCertificate])>((0, []))
    private let folder: KeyFolder
    private let tell: @Sendable (News) -> Void

    /// - Parameter tell: called on the watching thread.
    init(keys path: String, _ tell: @escaping @Sendable (News) -> Void) {
        folder = KeyFolder(path: path)
        self.tell = tell
    }

    /// Watches these from now on, as they were when they were read.
    func watch(_ certificates: [LoadedCertificate]) {
        wanted.withLock { $0 = ($0.number + 1, certificates) }
    }

    func start(_ keys: KeyFolderContents) throws(SystemError) {
        try NamedThread.start("files") { [self] in
            var looks = Looks(keys: keys)
            while true {
                sleep(Self.pause)
                lookAtCertificates(&looks)
                lookAtKeys(&looks)
            }
        }
    }

    /// What the thread remembers from look to look.
    private struct Looks {
        var number = 0
        var certificates: [CertificateFiles: WatchedState<CertificateStamp>] = [:]
        var folder = WatchedState<[String: FileStamp]>(taken: [:])
        var keys: KeyFolderContents

        init(keys: KeyFolderContents) { self.keys = keys }
    }

    private func lookAtCertificates(_ looks: inout Looks) {
        let (number, certificates) = wanted.withLock { $0 }
        if looks.number != number {
            looks.number = number
            looks.certificates = [:]
            for certificate in certificates { looks.certificates[certificate.files] = WatchedState(taken: certificate.stamp) }
        }
        for files in Array(looks.certificates.keys) where looks.certificates[files]?.look(CertificateStamp(files)) == true {
            switch Certificates.load(files) {
            case .success(let material): tell(.certificate(files, material))
            case .failure(let error): tell(.problem(path: files.certificate, message: error.reason))
            }
        }
    }

    private func lookAtKeys(_ looks: inout Looks) {
        var stamps: [String: FileStamp] = [:]
        for name in (try? folder.fileNames()) ?? [] { stamps[name] = FileStamp(folder.path + "/" + name) }
        guard looks.folder.look(stamps) else { return }
        let (contents, problems) = folder.refresh(looks.keys)
        for problem in problems { tell(.problem(path: problem.path, message: problem.message)) }
        if contents.ring != looks.keys.ring { tell(.keys(contents)) }
        looks.keys = contents
    }
}

/// The state of a certificate's two files.
struct CertificateStamp: Equatable, Sendable {
    private let certificate, key: FileStamp?

    init(_ files: CertificateFiles) {
        certificate = FileStamp(files.certificate)
        key = FileStamp(files.key)
    }
}
