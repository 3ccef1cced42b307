import Bytes
import Crypto
import EventLoop
import Glibc
import Settings
import Synchronization
import TLS

/// Looks at the certificates and the key folder once a second, on a thread of its own: a file system that hangs holds nobody up. Asking the file system
/// finds what notices miss: links pointed elsewhere, folders exchanged, network mounts. Makes a new signing key where one is due.
final class FileWatch: Sendable {
    enum News: Sendable {
        case certificate(CertificateFiles, CertificateMaterial)
        /// Other keys than before.
        case keys(KeyFolderContents)
        /// Something was not taken, for the administrator; whatever was there before serves on.
        case problem(path: String, message: String)
        /// A key that is used, but should not be as it is.
        case warning(path: String, message: String)
        /// No key could be made, though one is due.
        case notRotated(path: String, message: String)
    }

    /// Looks are that far apart.
    private static let pause: UInt32 = 1

    /// A rotation that failed is tried again that much later.
    private static let rotationPause = Duration.seconds(600)

    /// What a configuration wants; the number is that of the configuration.
    private struct Wanted {
        var number = 0
        var certificates: [LoadedCertificate] = []
        var rotation = KeyRotation(every: .zero, algorithm: .es256)
    }
    private let wanted = Mutex(Wanted())
    private let folder: KeyFolder
    private let tell: @Sendable (News) -> Void

    /// - Parameter tell: called on the watching thread.
    init(keys path: String, _ tell: @escaping @Sendable (News) -> Void) {
        folder = KeyFolder(path: path)
        self.tell = tell
    }

    /// Watches these from now on, as they were when they were read, and rotates as said.
    func watch(_ certificates: [LoadedCertificate], _ rotation: KeyRotation) {
        wanted.withLock { $0 = Wanted(number: $0.number + 1, certificates: certificates, rotation: rotation) }
    }

    func start(_ keys: KeyFolderContents) throws(SystemError) {
        try NamedThread.start("files") { [self] in
            var looks = Looks(keys: keys)
            while true {
                let wanted = wanted.withLock { $0 }
                let isChanged = looks.number != wanted.number
                if isChanged { (looks.isNew, looks.retry) = (true, nil) }
                rotate(wanted.rotation, &looks)
                sleep(Self.pause)
                lookAtCertificates(wanted, isChanged: isChanged, &looks)
                lookAtKeys(&looks)
                looks.number = wanted.number
            }
        }
    }

    /// What the thread remembers from look to look.
    private struct Looks {
        var number = 0
        var certificates: [CertificateFiles: WatchedState<CertificateStamp>] = [:]
        var folder = WatchedState<[String: FileStamp]>(taken: [:])
        var keys: KeyFolderContents
        /// The newest key was not yet compared with the algorithm that the present configuration asks for.
        var isNew = true
        /// When a rotation is tried again that failed.
        var retry: WallTime?

        init(keys: KeyFolderContents) { self.keys = keys }
    }

    /// Names and clock say whether a key is due, so that of all who share the folder one makes it; it comes to all of them by their next look.
    private func rotate(_ rotation: KeyRotation, _ looks: inout Looks) {
        let now = Shared.now()
        // A folder that nobody may write to is left alone as long as nothing is due.
        guard looks.keys.isRotationDue(rotation, isChanged: looks.isNew, at: now) else {
            looks.isNew = false
            return
        }
        if let retry = looks.retry, now < retry { return }
        do throws(KeyFolderFault) {
            _ = try folder.addKeyIfDue(rotation, isChanged: looks.isNew, now: now)
            (looks.isNew, looks.retry) = (false, nil)
        } catch {
            looks.retry = now.advanced(by: Self.rotationPause)
            tell(.notRotated(path: error.path, message: error.message))
        }
    }

    private func lookAtCertificates(_ wanted: Wanted, isChanged: Bool, _ looks: inout Looks) {
        if isChanged {
            looks.certificates = [:]
            for certificate in wanted.certificates { looks.certificates[certificate.files] = WatchedState(taken: certificate.stamp) }
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
        for warning in contents.warnings { tell(.warning(path: warning.path, message: warning.message)) }
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
