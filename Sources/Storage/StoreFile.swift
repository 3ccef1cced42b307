import Access
import CLinux
import Glibc

/// The file of a store: made for its owner alone (0600), and looked at again before each use, since SQLite would go on writing to a file
/// that somebody removed or replaced, and all of it would be lost with the process.
struct StoreFile {
    let path: String
    private let device: UInt
    private let inode: UInt

    /// Makes the file where there is none. The folder must exist.
    init(path: String) throws(StoreFailure) {
        self.path = path
        let folder = Self.folder(of: path)
        guard let parent = Self.status(folder), parent.st_mode & S_IFMT == S_IFDIR else {
            throw StoreFailure(.unreachable, "the folder \(folder) of the store does not exist")
        }
        if Self.status(path) == nil {
            let made = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
            let error = menwei_errno()
            guard made >= 0 || error == EEXIST else { throw Self.failure(error, "\(path) cannot be made") }
            if made >= 0 {
                // A first run by root must not lock out the user whose folder it is.
                if parent.st_uid != geteuid(), geteuid() == 0 { _ = fchown(made, parent.st_uid, parent.st_gid) }
                _ = Glibc.close(made)
            }
        }
        guard let status = Self.status(path) else { throw StoreFailure(.unreachable, "\(path) cannot be read") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw StoreFailure(.unreachable, "\(path) is not a file") }
        // By its path: to open and close the file here would drop the locks that SQLite holds on it in this process.
        if status.st_mode & 0o077 != 0 { _ = unsafe Glibc.chmod(path, 0o600) }
        (device, inode) = (UInt(status.st_dev), UInt(status.st_ino))
    }

    /// Throws unless the file is still the one that was opened.
    func check() throws(StoreFailure) {
        guard let status = Self.status(path) else { throw StoreFailure(.unreachable, "\(path) is gone") }
        guard UInt(status.st_dev) == device, UInt(status.st_ino) == inode else {
            throw StoreFailure(.unreachable, "\(path) is another file than the one that was opened: restart to use it")
        }
    }

    private static func status(_ path: String) -> stat? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? status : nil
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func failure(_ error: Int32, _ what: String) -> StoreFailure {
        switch error {
        case EACCES, EPERM, EROFS: StoreFailure(.readOnly, what + ": no permission to write there")
        case ENOSPC, EDQUOT: StoreFailure(.full, what + ": no space left")
        default: StoreFailure(.unreachable, what + ": error \(error)")
        }
    }
}
