import Glibc

/// What tells one state of a file from another, without reading it.
struct FileStamp: Equatable, Sendable {
    private let device, inode: UInt64
    private let size, modified, modifiedNanoseconds, changed, changedNanoseconds: Int

    /// Of whatever `path` leads to in the end, so that a link that is pointed elsewhere counts; nil where nothing is there.
    init?(_ path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        (device, inode, size) = (UInt64(status.st_dev), UInt64(status.st_ino), Int(status.st_size))
        (modified, modifiedNanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
        (changed, changedNanoseconds) = (status.st_ctim.tv_sec, status.st_ctim.tv_nsec)
    }
}

/// Says when something that is looked at again and again is to be read: it is not as it was when it was last read, and stood still since the last look,
/// so that whoever is still writing is not met in the middle. What turned out to be faulty is read again when it changes again.
struct WatchedState<Stamp: Equatable & Sendable>: Sendable {
    private var taken: Stamp
    private var seen: Stamp

    /// - Parameter taken: how it was before it was read last.
    init(taken: Stamp) {
        self.taken = taken
        seen = taken
    }

    /// Whether to read it now, being as `stamp` says.
    mutating func look(_ stamp: Stamp) -> Bool {
        defer { seen = stamp }
        guard stamp == seen, stamp != taken else { return false }
        taken = stamp
        return true
    }
}
