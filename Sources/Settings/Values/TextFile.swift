import CLinux
import Glibc

/// Files that the configuration names. Nothing is written.
public enum TextFile {
    /// Why a file cannot be used.
    public struct Failure: Error, Equatable, Sendable {
        /// Follows the file's name: `does not exist`, `is a folder` …
        public var why: String
    }

    /// All bytes of a regular file of at most `limit` bytes.
    public static func read(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
        // Not blocking: a FIFO or device must not hold us up.
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Failure(why: reason(errno)) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw Failure(why: reason(errno)) }
        let kind = status.st_mode & S_IFMT
        guard kind != S_IFDIR else { throw Failure(why: "is a folder") }
        guard kind == S_IFREG else { throw Failure(why: "is not a regular file") }
        var bytes: [UInt8] = []
        while true {
            let chunk = try chunk(descriptor)
            if chunk.isEmpty { return bytes }
            guard bytes.count + chunk.count <= limit else { throw Failure(why: "is larger than \(limit / 1024) KiB") }
            bytes += chunk
        }
    }

    /// Of a file that `LineFile` reads; a pipe will do.
    static func open(_ path: String) throws(Failure) -> Int32 {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(why: reason(errno)) }
        return descriptor
    }

    /// The next bytes, 64 KiB at the most; none at the end.
    static func chunk(_ descriptor: Int32) throws(Failure) -> [UInt8] {
        var problem: Int32 = 0
        let chunk = unsafe [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
            let got = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            count = max(0, got)
            if got < 0 { problem = errno }
        }
        guard problem == 0 else { throw Failure(why: reason(problem)) }
        return chunk
    }

    enum Kind { case file, folder, other, absent }

    static func kind(_ path: String) -> Kind {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return .absent }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .folder
        default: return .other
        }
    }

    /// This user may make files in the folder, or change the file.
    static func isWritable(_ path: String) -> Bool { unsafe faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0 }

    /// The environment's value of `name`.
    static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    private static func reason(_ code: Int32) -> String {
        switch code {
        case ENOENT: "does not exist"
        case EACCES, EPERM: "may not be read by this user"
        case ENOTDIR: "does not exist: a part of its path is no folder"
        case EISDIR: "is a folder"
        default: "cannot be read (error \(code))"
        }
    }
}

/// Relative paths are relative to the folder of the configuration file.
struct Paths: Sendable {
    /// Empty, or ends with `/`.
    private let folder: String

    init(file: String) {
        let slash = file.utf8.lastIndex(of: UInt8(ascii: "/"))
        folder = slash.map { String(file[...$0]) } ?? ""
    }

    func resolve(_ path: String) -> String { path.hasPrefix("/") ? path : folder + path }

    /// The folder that holds `path`.
    static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
