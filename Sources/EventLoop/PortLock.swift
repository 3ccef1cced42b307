import CLinux
import Glibc

/// A name in the kernel's abstract socket namespace, held as long as the process lives: of two processes that want the same port at the same
/// moment only one gets it, and no file is left behind.
public enum PortLock {
    /// Throws where another process holds it.
    public static func hold(_ name: String) throws(SystemError) {
        let result = unsafe menwei_abstract_lock("menwei " + name)
        if result < 0 { throw SystemError("port lock", errno: -result) }
    }
}
