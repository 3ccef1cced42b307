import Access
import CLinux
import EventLoop
import Glibc
import Synchronization

/// The one thread of a store, as the executor of its actor: a disk that stalls never holds a worker.
///
/// Jobs run in the order in which they came. The thread ends when `stop` was called and nothing is left to run.
final class StorageThread: SerialExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var isAsleep = false
        var isStopped = false
    }

    private let state = Mutex(State())
    /// An eventfd, written to once per sleep.
    private let wakeUp: Int32

    init() throws(StoreFailure) {
        wakeUp = menwei_eventfd()
        guard wakeUp >= 0 else { throw StoreFailure(.unreachable, "no descriptor for the store's thread") }
    }

    deinit { _ = Glibc.close(wakeUp) }

    /// To be called once; the thread holds on to this object until it ends.
    func start() throws(StoreFailure) {
        do { try NamedThread.start("menwei-store") { self.run() } } catch {
            throw StoreFailure(.unreachable, "the store's thread did not start")
        }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        change { $0.jobs.append(job) }
    }

    func stop() { change { $0.isStopped = true } }

    private func change(_ body: (inout State) -> Void) {
        let wasAsleep = state.withLock { state in
            body(&state)
            defer { state.isAsleep = false }
            return state.isAsleep
        }
        if wasAsleep {
            var one: UInt64 = 1
            _ = unsafe Glibc.write(wakeUp, &one, 8)
        }
    }

    private func run() {
        while true {
            let (jobs, isStopped) = state.withLock { state in
                let jobs = state.jobs
                state.jobs = []
                state.isAsleep = jobs.isEmpty && !state.isStopped
                return (jobs, state.isStopped)
            }
            for job in jobs { unsafe job.runSynchronously(on: asUnownedSerialExecutor()) }
            if jobs.isEmpty {
                if isStopped { return }
                sleep()
            }
        }
    }

    private func sleep() {
        var wait = pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0)
        _ = unsafe Glibc.poll(&wait, 1, -1)
        var count: UInt64 = 0
        _ = unsafe Glibc.read(wakeUp, &count, 8)
    }
}
