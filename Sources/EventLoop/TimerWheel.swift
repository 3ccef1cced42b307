/// A time limit. It costs nothing to move it, later or earlier, to where the wheel will have looked at it (`deadline` is only written; the wheel finds
/// out when it looks): limits of more than a round of the wheel take turns on every request.
public final class LoopTimer {
    let action: () -> Void
    fileprivate(set) var deadline: UInt64 = .max
    fileprivate var slot = -1
    /// When the wheel looks at it next, in nanoseconds: any deadline from then on costs nothing.
    fileprivate var looksAt: UInt64 = 0
    /// It was handed out as due and did not fire yet: what fires before it may still stop or move it.
    fileprivate var isDue = false
    fileprivate unowned(unsafe) var previous: LoopTimer?
    fileprivate var next: LoopTimer?

    public init(_ action: @escaping () -> Void) { self.action = action }

    /// Whether it will fire.
    public var isScheduled: Bool { slot >= 0 || isDue }

    /// Fires if it is still to fire.
    func fireIfDue() {
        if !isDue { return }
        isDue = false
        action()
    }
}

/// A hashed timer wheel: `slots` lists, one for each tick of `tick` nanoseconds; timers further away than one round wait in their list.
/// Start, move and stop are constant time. Fires up to one tick late, never early.
struct TimerWheel {
    static let slots = 1024
    /// 20 ms
    static let tick: UInt64 = 20_000_000

    private var heads: [LoopTimer?]
    /// A bit for each list that holds anything: what to sleep for is asked in every turn.
    private var occupied = [UInt64](repeating: 0, count: slots / 64)
    private var current: UInt64
    private(set) var count = 0

    init(now: UInt64) {
        heads = Array(repeating: nil, count: Self.slots)
        current = now / Self.tick
    }

    mutating func schedule(_ timer: LoopTimer, at deadline: UInt64) {
        timer.isDue = false
        if timer.slot >= 0 {
            if deadline >= timer.looksAt {
                timer.deadline = deadline
                return
            }
            unlink(timer)
        }
        timer.deadline = deadline
        link(timer)
    }

    mutating func cancel(_ timer: LoopTimer) {
        timer.isDue = false
        if timer.slot >= 0 { unlink(timer) }
    }

    private mutating func link(_ timer: LoopTimer) {
        let at = max(timer.deadline / Self.tick &+ 1, current &+ 1)
        let slot = Int(at % UInt64(Self.slots))
        timer.slot = slot
        timer.looksAt = (current &+ 1 &+ (at &- current &- 1) % UInt64(Self.slots)) &* Self.tick
        unsafe timer.previous = nil
        timer.next = heads[slot]
        unsafe heads[slot]?.previous = timer
        heads[slot] = timer
        occupied[slot >> 6] |= 1 << UInt64(slot & 63)
        count &+= 1
    }

    private mutating func unlink(_ timer: LoopTimer) {
        let next = timer.next
        if let previous = unsafe timer.previous {
            previous.next = next
        } else {
            heads[timer.slot] = next
            if next == nil { occupied[timer.slot >> 6] &= ~(1 << UInt64(timer.slot & 63)) }
        }
        unsafe next?.previous = timer.previous
        timer.next = nil
        unsafe timer.previous = nil
        timer.slot = -1
        count &-= 1
    }

    /// Nanoseconds until the wheel has to be looked at again; nil where nothing waits.
    func sleep(from now: UInt64) -> UInt64? {
        if count == 0 { return nil }
        let due = (current &+ 1 &+ nextOccupied(from: Int((current &+ 1) % UInt64(Self.slots)))) &* Self.tick
        return due > now ? due &- now : 0
    }

    /// How many lists after `slot` the next one comes that holds anything; once around where none does.
    private func nextOccupied(from slot: Int) -> UInt64 {
        var ahead = 0
        var word = slot >> 6
        var bits = occupied[word] & (UInt64.max << UInt64(slot & 63))
        while bits == 0, ahead < occupied.count {
            ahead += 1
            word = (word + 1) % occupied.count
            bits = occupied[word]
        }
        if bits == 0 { return UInt64(Self.slots) }
        let found = word * 64 + bits.trailingZeroBitCount
        return UInt64((found - slot + Self.slots) % Self.slots)
    }

    /// Moves the wheel to `now` and hands back what is due, oldest tick first; the caller is to call `fireIfDue` of each.
    mutating func advance(to now: UInt64, into due: inout [LoopTimer]) {
        let target = now / Self.tick
        if target <= current { return }
        // After a long sleep every list is looked at once.
        var steps = min(target &- current, UInt64(Self.slots))
        var at = target &- steps
        current = target
        while steps > 0 {
            at &+= 1
            steps &-= 1
            var timer = heads[Int(at % UInt64(Self.slots))]
            while let each = timer {
                timer = each.next
                if each.deadline <= now {
                    unlink(each)
                    each.isDue = true
                    due.append(each)
                } else if each.deadline / Self.tick &+ 1 != at {
                    unlink(each)
                    link(each)
                } else {
                    each.looksAt = (at &+ UInt64(Self.slots)) &* Self.tick
                }
            }
        }
    }
}
