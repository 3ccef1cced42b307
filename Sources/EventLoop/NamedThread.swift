import CLinux

/// A thread of its own for what must not run on a worker: the store, libcurl, name resolution.
public enum NamedThread {
    private final class Start: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Starts a detached thread. `name` is cut to 15 bytes.
    public static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        let context = unsafe Unmanaged.passRetained(Start(body))
        let result = unsafe menwei_thread_start(name, { unsafe Unmanaged<Start>.fromOpaque($0!).takeRetainedValue().body() }, context.toOpaque())
        if result < 0 {
            unsafe context.release()
            throw SystemError("pthread_create", errno: -result)
        }
    }

    /// Names the calling thread as long as it lives.
    public static var current: UInt64 { menwei_thread_id() }
}
