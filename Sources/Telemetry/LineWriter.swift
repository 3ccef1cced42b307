import CLinux
import Glibc
import Synchronization

/// A thread that writes lines to a descriptor, and the queue before it. Adding a line never waits for the reader: what does not fit is
/// dropped and counted.
final class LineWriter: Sendable {
    private struct State {
        var queue: LineQueue
        var isWriting = false
        var isStopped = false
        /// Somebody waits on `drained`.
        var isFlushing = false

        /// There is no time to gather more lines.
        var hurries: Bool { isFlushing || isStopped || queue.hasUrgent || queue.waiting >= LineWriter.enough }
    }

    private let state: Mutex<State>
    private let output: Int32
    private let wake: Int32
    private let drained: Int32
    /// What one write call takes at the most: a pipe's room.
    private static let piece = 64 << 10

    /// Milliseconds that lines are gathered before they are written together, and how many bytes are enough to do it at once.
    private static let gatherFor: Int32 = 10
    private static let enough = 256 << 10

    /// `capacity`: bytes that may wait in each of the two lanes.
    init(output: Int32, capacity: Int, name: StaticString) {
        self.output = output
        state = Mutex(State(queue: LineQueue(capacity: capacity)))
        wake = menwei_eventfd()
        drained = menwei_eventfd()
        start(name)
    }

    deinit {
        close(wake)
        close(drained)
    }

    var dropped: UInt64 { state.withLock { $0.queue.dropped } }

    func add(_ line: Span<UInt8>, _ lane: LineQueue.Lane) {
        let mustWake = state.withLock { state in
            let hurried = state.hurries
            let isFirst = state.queue.add(line, lane)
            return !state.isWriting && (isFirst || state.hurries && !hurried)
        }
        if mustWake { Self.signal(wake) }
    }

    /// Waits until all lines are written, at most `milliseconds`; false where some are left.
    func flush(milliseconds: Int32) -> Bool {
        let mustWait = state.withLock { state in
            if state.queue.isEmpty && !state.isWriting { return false }
            state.isFlushing = true
            return true
        }
        if !mustWait { return true }
        Self.signal(wake)
        var descriptor = pollfd(fd: drained, events: Int16(POLLIN), revents: 0)
        let ready = unsafe poll(&descriptor, 1, milliseconds)
        state.withLock { $0.isFlushing = false }
        Self.clear(drained)
        return ready > 0
    }

    /// Ends the thread once it has written what it has taken. Lines that come later are dropped.
    func stop() {
        state.withLock { $0.isStopped = true }
        Self.signal(wake)
    }

    // MARK: the thread

    private func start(_ name: StaticString) {
        let start = unsafe Unmanaged.passRetained(Start(writer: self, name: name)).toOpaque()
        var thread = pthread_t()
        let failed = unsafe pthread_create(&thread, nil, { argument in
            let start = unsafe Unmanaged<Start>.fromOpaque(argument.unsafelyUnwrapped).takeRetainedValue()
            // Signals are for the main thread; a pipe that is closed at its other end is an error of `write`, not the process's death.
            var all = sigset_t()
            unsafe sigfillset(&all)
            unsafe pthread_sigmask(SIG_BLOCK, &all, nil)
            unsafe menwei_thread_name(UnsafeRawPointer(start.name.utf8Start).assumingMemoryBound(to: CChar.self))
            start.writer.run()
            return nil
        }, start)
        precondition(failed == 0, "no thread for records")
        pthread_detach(thread)
    }

    private final class Start {
        let writer: LineWriter
        let name: StaticString
        init(writer: LineWriter, name: StaticString) {
            self.writer = writer
            self.name = name
        }
    }

    private enum Step { case wait, gather, write, end }

    private func run() {
        var lines: [UInt8] = []
        var hasGathered = false
        while true {
            let (step, isDrained) = state.withLock { state -> (Step, Bool) in
                state.isWriting = false
                if state.queue.isEmpty { return (state.isStopped ? .end : .wait, state.isFlushing) }
                if !hasGathered && !state.hurries { return (.gather, false) }
                state.queue.take(&lines)
                state.isWriting = true
                return (.write, false)
            }
            if isDrained { Self.signal(drained) }
            switch step {
            case .wait:
                Self.wait(wake, POLLIN)
                Self.clear(wake)
            case .gather:
                // A thread that wakes for every line costs the workers more than the line itself.
                if Self.wait(wake, POLLIN, milliseconds: Self.gatherFor) { Self.clear(wake) }
                hasGathered = true
            case .write:
                hasGathered = false
                if let lost = write(lines) { state.withLock { $0.queue.lost(lost) } }
            case .end: return
            }
        }
    }

    /// Writes all of `lines`; nil, or how many lines are lost because nothing can be written any more.
    private func write(_ lines: [UInt8]) -> Int? {
        var at = 0
        while at < lines.count {
            let end = LineQueue.pieceEnd(lines, from: at, limit: Self.piece)
            let wrote = unsafe lines.withUnsafeBytes { unsafe Glibc.write(output, $0.baseAddress.unsafelyUnwrapped + at, end - at) }
            if wrote > 0 {
                at += wrote
                continue
            }
            switch menwei_errno() {
            case EINTR: continue
            case EAGAIN: Self.wait(output, POLLOUT)
            default: return lines[at...].count { $0 == 0x0A }
            }
        }
        return nil
    }

    // MARK: descriptors

    /// False where the time passed first.
    @discardableResult private static func wait(_ descriptor: Int32, _ events: Int32, milliseconds: Int32 = -1) -> Bool {
        var descriptor = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        return unsafe poll(&descriptor, 1, milliseconds) > 0
    }

    private static func signal(_ descriptor: Int32) {
        var one: UInt64 = 1
        _ = unsafe Glibc.write(descriptor, &one, 8)
    }

    private static func clear(_ descriptor: Int32) {
        var count: UInt64 = 0
        _ = unsafe read(descriptor, &count, 8)
    }
}
