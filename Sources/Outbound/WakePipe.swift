import Glibc

/// Wakes a thread that polls: a pipe whose reading end the thread watches. (`curl_multi_wakeup` would need the thread's handle on other threads.)
/// Owns both descriptors, and closes them when the last holder lets go.
final class WakePipe: Sendable {
    /// For polling.
    let readEnd: Int32
    private let writeEnd: Int32

    /// nil where the process has no descriptors left.
    init?() {
        var ends: (Int32, Int32) = (-1, -1)
        let made = unsafe withUnsafeMutableBytes(of: &ends) { unsafe pipe($0.baseAddress?.assumingMemoryBound(to: Int32.self)) }
        guard made == 0 else { return nil }
        (readEnd, writeEnd) = ends
        for end in [readEnd, writeEnd] {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    /// Makes the next poll return. A full pipe is as good as a written one.
    func wake() {
        var byte: UInt8 = 0
        _ = unsafe write(writeEnd, &byte, 1)
    }

    /// Forgets the wake-ups so far.
    func drain() {
        var bytes: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        while unsafe withUnsafeMutableBytes(of: &bytes, { unsafe read(readEnd, $0.baseAddress, $0.count) }) > 0 {}
    }
}
