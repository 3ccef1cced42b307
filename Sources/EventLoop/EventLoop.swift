import CLinux
public import Bytes

/// What a descriptor is ready for.
public struct Readiness: OptionSet, Sendable {
    public let rawValue: UInt32
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let readable = Readiness(rawValue: 0x001)
    public static let writable = Readiness(rawValue: 0x004)
    /// An error or both directions shut; reported whether asked for or not.
    public static let broken = Readiness(rawValue: 0x008 | 0x010)
}

/// Whoever is told that a descriptor is ready. A base class, not a protocol: one virtual call an event.
open class PollHandler {
    fileprivate var slot = -1
    fileprivate var flushQueued = false
    /// Whether its writes wait for the end of the turn: where many exchanges share one descriptor (HTTP/2), what they all bring leaves at once. Others
    /// write right after the event, so that the other side works on it while this one tells the rest.
    public final var gathers = false

    public init() {}

    /// The descriptor is ready. May be called though nothing is left to read (level-triggered).
    open func ready(_ readiness: Readiness) {}

    /// `flushSoon` was asked for: write what was gathered.
    open func flush() {}
}

/// One thread's loop: level-triggered epoll, a timer wheel, a mailbox, and the executor of the async tasks that began here.
///
/// It is created and run on the same thread; nothing but its `mailbox` and `executor` may be touched from another.
public final class EventLoop {
    private struct Slot {
        var handler: PollHandler?
        var generation: UInt32 = 0
        var descriptor: Int32 = -1
        var interest: UInt32 = 0
    }

    private let epoll: Descriptor
    private var slots: [Slot] = []
    private var free: [Int] = []
    private var wheel: TimerWheel
    /// To be flushed after this event.
    private let soon = FlushQueue()
    /// To be flushed at the end of this turn.
    private let atEnd = FlushQueue()
    private var running = false
    private var due: [LoopTimer] = []
    private var messages: [Mailbox.Message] = []

    private static let roundsPerTurn = 8

    public let mailbox: Mailbox
    /// Memory for what this loop's connections read and write.
    public let buffers = ByteQueuePool()
    public let executor: LoopExecutor
    /// The time at the start of this turn.
    public private(set) var now: MonotonicTime
    /// The calendar at the start of this turn.
    public private(set) var wall: WallTime

    public init() throws(SystemError) {
        epoll = Descriptor(owning: try SystemError.check("epoll_create1", menwei_epoll_create()))
        mailbox = try Mailbox()
        executor = LoopExecutor(mailbox)
        now = MonotonicTime(nanoseconds: menwei_monotonic_ns())
        wall = WallTime(milliseconds: menwei_wall_ms())
        wheel = TimerWheel(now: now.nanoseconds)
        _ = try SystemError.check("epoll_ctl", menwei_epoll_add(epoll.raw, mailbox.descriptor, Readiness.readable.rawValue, .max))
    }

    // MARK: descriptors

    /// Begins to watch `descriptor`, which stays the caller's to close (after `forget`).
    public func watch(_ descriptor: Int32, for interest: Readiness, _ handler: PollHandler) throws(SystemError) {
        precondition(handler.slot < 0)
        let index: Int
        if let reused = free.popLast() {
            index = reused
        } else {
            index = slots.count
            slots.append(Slot())
        }
        slots[index].handler = handler
        slots[index].descriptor = descriptor
        slots[index].interest = interest.rawValue
        handler.slot = index
        let token = UInt64(slots[index].generation) << 32 | UInt64(index)
        let result = menwei_epoll_add(epoll.raw, descriptor, interest.rawValue, token)
        if result < 0 {
            release(handler)
            throw SystemError("epoll_ctl", errno: -result)
        }
    }

    /// Changes what `handler` is told of. Costs a system call only where it is a change.
    public func setInterest(_ interest: Readiness, of handler: PollHandler) {
        let index = handler.slot
        guard index >= 0, slots[index].interest != interest.rawValue else { return }
        slots[index].interest = interest.rawValue
        let token = UInt64(slots[index].generation) << 32 | UInt64(index)
        _ = menwei_epoll_modify(epoll.raw, slots[index].descriptor, interest.rawValue, token)
    }

    /// Stops watching; events already gathered in this turn are dropped (the slot's generation moves on).
    public func forget(_ handler: PollHandler) {
        guard handler.slot >= 0 else { return }
        _ = menwei_epoll_remove(epoll.raw, slots[handler.slot].descriptor)
        release(handler)
    }

    private func release(_ handler: PollHandler) {
        let index = handler.slot
        slots[index].handler = nil
        slots[index].generation &+= 1
        slots[index].interest = 0
        handler.slot = -1
        free.append(index)
    }

    /// Calls `handler.flush()` once when this event is over, or where it `gathers` when this turn ends, so that everything until then leaves in one write.
    public func flushSoon(_ handler: PollHandler) {
        if handler.flushQueued { return }
        handler.flushQueued = true
        (handler.gathers ? atEnd : soon).add(handler)
    }

    // MARK: time

    /// Fires `timer` once, `nanoseconds` after the start of this turn; moves it where it was scheduled already.
    public func schedule(_ timer: LoopTimer, after nanoseconds: UInt64) {
        let deadline = now.nanoseconds.addingReportingOverflow(nanoseconds)
        wheel.schedule(timer, at: deadline.overflow ? .max - TimerWheel.tick : deadline.partialValue)
    }

    public func cancel(_ timer: LoopTimer) { wheel.cancel(timer) }

    /// The time right now, not that of the turn's start: for durations that matter within a turn.
    public func clock() -> MonotonicTime { MonotonicTime(nanoseconds: menwei_monotonic_ns()) }

    // MARK: tasks

    /// Runs `work` as a task on this loop's thread. Only to be called on it.
    /// - Parameter priority: what others (the store) think of it where many wait; on this thread all are equal.
    public func spawn(priority: TaskPriority = .medium, _ work: @escaping () async -> Void) {
        let bound = LoopBound(work)
        Task(executorPreference: executor, priority: priority) { await bound.value() }
    }

    // MARK: the turn

    /// Turns until `stop`. Each turn: wait, tell the ready, run what was posted, fire what is due, flush.
    public func run() {
        running = true
        var events = [menwei_epoll_event](repeating: menwei_epoll_event(events: 0, token: 0), count: 256)
        while running {
            if messages.isEmpty { mailbox.take(willSleep: true, into: &messages) }
            let count = unsafe events.withUnsafeMutableBufferPointer { unsafe menwei_epoll_wait(epoll.raw, $0.baseAddress, 256, timeout()) }
            now = MonotonicTime(nanoseconds: menwei_monotonic_ns())
            wall = WallTime(milliseconds: menwei_wall_ms())
            if count > 0 {
                for i in 0..<Int(count) {
                    tell(events[i])
                    soon.flush()
                }
            }
            // What was posted while this turn ran belongs to it: a task that resumes must not wait for the next event. But only so often:
            // work that posts itself again must not keep the others waiting.
            var rounds = 0
            repeat {
                runMessages()
                flushAll()
                mailbox.take(willSleep: false, into: &messages)
                rounds += 1
            } while !messages.isEmpty && rounds < Self.roundsPerTurn
            wheel.advance(to: now.nanoseconds, into: &due)
            for timer in due { timer.fireIfDue() }
            due.removeAll(keepingCapacity: true)
            flushAll()
        }
        mailbox.close()
    }

    /// Ends `run` after this turn.
    public func stop() { running = false }

    private func timeout() -> Int32 {
        if !messages.isEmpty || !soon.isEmpty || !atEnd.isEmpty { return 0 }
        guard let wait = wheel.sleep(from: menwei_monotonic_ns()) else { return -1 }
        return Int32(truncatingIfNeeded: min(wait / 1_000_000 &+ 1, 60_000))
    }

    private func tell(_ event: menwei_epoll_event) {
        if event.token == .max {
            mailbox.clearWakeUp()
            return
        }
        let index = Int(truncatingIfNeeded: event.token & 0xFFFF_FFFF)
        guard index < slots.count, slots[index].generation == UInt32(truncatingIfNeeded: event.token >> 32), let handler = slots[index].handler else { return }
        handler.ready(Readiness(rawValue: event.events))
    }

    private func runMessages() {
        for message in messages {
            switch message {
            case .job(let job): unsafe job.runSynchronously(on: executor.asUnownedTaskExecutor())
            case .work(let work): work()
            }
        }
        messages.removeAll(keepingCapacity: true)
    }

    private func flushAll() {
        while !soon.isEmpty || !atEnd.isEmpty {
            atEnd.flush()
            soon.flush()
        }
    }
}

/// Those who asked to be flushed.
private final class FlushQueue {
    private var handlers: [PollHandler] = []

    var isEmpty: Bool { handlers.isEmpty }

    func add(_ handler: PollHandler) { handlers.append(handler) }

    /// By index: whoever is flushed may bring others to the end of the list.
    func flush() {
        var index = 0
        while index < handlers.count {
            let handler = handlers[index]
            handler.flushQueued = false
            handler.flush()
            index &+= 1
        }
        handlers.removeAll(keepingCapacity: true)
    }
}
