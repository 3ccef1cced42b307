import Glibc

/// The few file operations that a key folder needs, with errors that name the file.
enum Files {
    struct Content {
        var bytes: [UInt8]
        /// Group or others have any right to it.
        var othersMayRead: Bool
    }

    static func reason() -> String { unsafe String(cString: strerror(errno)) }

    /// The regular file's bytes; nil where there is none.
    static func read(_ path: String, limit: Int) throws(KeyFolderFault) -> Content? {
        let fd = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard fd >= 0 else {
            if errno == ENOENT { return nil }
            throw KeyFolderFault(code: .unreadable, path: path, message: "cannot read: \(reason())")
        }
        defer { close(fd) }
        var status = stat()
        guard unsafe fstat(fd, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= limit else {
            throw KeyFolderFault(code: .notAKey, path: path, message: "not a key file")
        }
        var bytes = [UInt8](repeating: 0, count: limit + 1)
        var count = 0
        while count < bytes.count {
            let got = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(fd, $0.baseAddress?.advanced(by: count), $0.count - count) }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw KeyFolderFault(code: .unreadable, path: path, message: "cannot read: \(reason())") }
            if got == 0 { break }
            count += got
        }
        guard count <= limit else { throw KeyFolderFault(code: .notAKey, path: path, message: "too large for a key file") }
        return Content(bytes: Array(bytes.prefix(count)), othersMayRead: status.st_mode & 0o077 != 0)
    }

    /// Names in a folder; none where there is no folder.
    static func list(_ path: String) throws(KeyFolderFault) -> [String] {
        guard let folder = unsafe opendir(path) else {
            if errno == ENOENT { return [] }
            throw KeyFolderFault(code: .unreadable, path: path, message: "cannot read the folder: \(reason())")
        }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            names.append(name)
        }
        return names
    }

    /// Makes the folder, 0700, unless it is there. Its parent must exist.
    static func makeFolder(_ path: String) throws(KeyFolderFault) {
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw KeyFolderFault(code: .cannotWrite, path: path, message: "cannot make the folder: \(reason())")
        }
        let fd = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard fd >= 0 else { return }
        giveAway(fd, toOwnerOf: folder(of: path))
        close(fd)
    }

    /// What the superuser makes belongs to whoever owns the folder: the service that has to read it.
    static func giveAway(_ fd: Int32, toOwnerOf folder: String) {
        var status = stat()
        guard geteuid() == 0, unsafe stat(folder, &status) == 0, status.st_uid != 0 else { return }
        _ = fchown(fd, status.st_uid, status.st_gid)
    }

    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Removes a file; that it is gone already is as good.
    static func remove(_ path: String) throws(KeyFolderFault) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else {
            throw KeyFolderFault(code: .cannotWrite, path: path, message: "cannot remove: \(reason())")
        }
        syncFolder(of: path)
    }

    /// Writes a file that must not exist yet, 0600: it appears under its name whole and on disk, or not at all.
    static func writeNew(_ path: String, _ bytes: [UInt8]) throws(KeyFolderFault) {
        let suffix: String
        do { suffix = try Random.hex(8) } catch { throw KeyFolderFault(code: .crypto, path: path, message: error.what) }
        let temporary = path + ".tmp-" + suffix
        func fail() -> KeyFolderFault { KeyFolderFault(code: .cannotWrite, path: path, message: "cannot write: \(reason())") }
        let fd = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard fd >= 0 else { throw fail() }
        defer { unsafe unlink(temporary) }
        giveAway(fd, toOwnerOf: folder(of: path))
        var done = 0
        while done < bytes.count {
            let wrote = unsafe bytes.withUnsafeBytes { unsafe write(fd, $0.baseAddress?.advanced(by: done), $0.count - done) }
            if wrote < 0, errno == EINTR { continue }
            guard wrote > 0 else {
                let fault = fail()
                close(fd)
                throw fault
            }
            done += wrote
        }
        let synced = fsync(fd) == 0
        guard close(fd) == 0, synced else { throw fail() }
        // Unlike rename, link does not replace what is there.
        guard unsafe link(temporary, path) == 0 else { throw fail() }
        syncFolder(of: path)
    }

    private static func syncFolder(of path: String) {
        let fd = unsafe open(folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard fd >= 0 else { return }
        fsync(fd)
        close(fd)
    }
}

/// An exclusive lock on a file, also among threads and over NFS.
enum FileLock {
    /// Waits for whoever holds the lock, and holds it for as long as `body` runs.
    static func holding<T>(_ path: String, _ body: () throws(KeyFolderFault) -> T) throws(KeyFolderFault) -> T {
        let fd = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard fd >= 0 else { throw KeyFolderFault(code: .cannotWrite, path: path, message: "cannot open: \(Files.reason())") }
        defer { close(fd) }
        Files.giveAway(fd, toOwnerOf: Files.folder(of: path))
        while flock(fd, LOCK_EX) != 0 {
            guard errno == EINTR else { throw KeyFolderFault(code: .cannotWrite, path: path, message: "cannot lock: \(Files.reason())") }
        }
        return try body()
    }
}
