import Access
import CLinux
import EventLoop
import Glibc
import Synchronization

/// The one thread of a store, as the executor of its actor: a disk that stalls never holds a worker.
///
/// Jobs run in the order in which they came, but those of low priority after all others: what strangers cause in any number must not keep anybody's
/// session waiting, nor its end. The thread ends when `stop` was called and nothing is left to run.
final class StorageThread: SerialExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        /// Of low priority, from `next` on.
        var patient: [UnownedJob] = []
        var next = 0
        var isAsleep = false
        var isStopped = false

        mutating func takePatient(into jobs: inout [UnownedJob]) {
            let end = min(next + StorageThread.patientAtOnce, patient.count)
            jobs += patient[next..<end]
            next = end
            if next == patient.count { (patient, next) = ([], 0) } else if next > 4096 {
                patient.removeFirst(next)
                next = 0
            }
        }
    }

    /// So many of low priority before the others are looked for again.
    private static let patientAtOnce = 4

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
        let isPatient = TaskPriority(job.priority).map { $0 < .medium } ?? false
        let job = UnownedJob(job)
        change { if isPatient { $0.patient.append(job) } else { $0.jobs.append(job) } }
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
                var jobs = state.jobs
                state.jobs = []
                if jobs.isEmpty { state.takePatient(into: &jobs) }
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
