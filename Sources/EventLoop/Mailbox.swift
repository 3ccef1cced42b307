import CLinux
import Glibc
import Synchronization

/// The one door into a loop from other threads: work is queued under a lock, and a sleeping loop is woken once, however much is queued.
public final class Mailbox: Sendable {
    enum Message: Sendable {
        case job(UnownedJob)
        case work(@Sendable () -> Void)
    }
    private struct State {
        var messages: [Message] = []
        var sleeping = false
        var closed = false
    }

    private let state = Mutex(State())
    let descriptor: Int32
    /// The loop's own thread: who posts there finds it awake.
    private let thread = NamedThread.current

    init() throws(SystemError) {
        descriptor = try SystemError.check("eventfd", menwei_eventfd())
    }

    deinit { _ = Glibc.close(descriptor) }

    /// Runs `work` on the loop's thread, soon. After the loop has ended it is dropped.
    public func post(_ work: @escaping @Sendable () -> Void) { put(.work(work)) }

    func put(_ message: Message) {
        let wake = state.withLock { state in
            if state.closed { return false }
            state.messages.append(message)
            defer { state.sleeping = false }
            return state.sleeping && NamedThread.current != thread
        }
        if wake {
            var one: UInt64 = 1
            _ = unsafe Glibc.write(descriptor, &one, 8)
        }
    }

    /// Takes all messages; where there are none and `willSleep`, the next one will wake the loop.
    func take(willSleep: Bool, into spare: inout [Message]) {
        state.withLock { state in
            swap(&state.messages, &spare)
            state.sleeping = willSleep && spare.isEmpty
        }
    }

    func close() {
        state.withLock { state in
            state.closed = true
            state.messages = []
        }
    }

    func clearWakeUp() {
        var count: UInt64 = 0
        _ = unsafe Glibc.read(descriptor, &count, 8)
    }
}
