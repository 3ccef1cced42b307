import CLinux

/// A name in the kernel's abstract socket namespace, held as long as the lock lives: of two processes that want the same port at the same
/// moment only one gets it, and no file is left behind.
public final class PortLock: Sendable {
    private let socket: Descriptor

    /// Throws where another holds it.
    public init(_ name: String) throws(SystemError) {
        let result = unsafe menwei_abstract_lock("menwei " + name)
        if result < 0 { throw SystemError("port lock", errno: -result) }
        socket = Descriptor(owning: result)
    }
}
