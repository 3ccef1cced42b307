import Glibc

/// A system call that failed: which one, and its errno.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    public var call: StaticString
    public var errno: Int32

    public init(_ call: StaticString, errno: Int32) {
        self.call = call
        self.errno = errno
    }

    /// The process, or the machine, has no descriptor or no memory left. It says nothing of the peer.
    public var isWantOfMeans: Bool { [EMFILE, ENFILE, ENOMEM, ENOBUFS].contains(errno) }

    public static func == (a: Self, b: Self) -> Bool { a.errno == b.errno && a.call.description == b.call.description }

    /// `bind: Address already in use`
    public var description: String { unsafe "\(call): \(String(cString: strerror(errno)))" }

    /// The result of a C wrapper that answers -errno, or the error it stands for.
    static func check(_ call: StaticString, _ result: Int32) throws(SystemError) -> Int32 {
        if result < 0 { throw SystemError(call, errno: -result) }
        return result
    }
}
