public import Bytes
internal import Synchronization

/// One simulated world for all workers: they share this object, each has its own `SimulatorResponder`.
public final class SharedSimulator: Sendable {
    private let world: Mutex<SimulatedWorld>
    /// What `reset` goes back to.
    let initial: SimulatedWorld
    private let clock: @Sendable () -> WallTime

    /// `now` is the calendar's clock; the world's `settings.clockOffset` is added to it.
    public init(world: SimulatedWorld, now: @escaping @Sendable () -> WallTime) {
        self.world = Mutex(world)
        initial = world
        clock = now
    }

    /// Reads or changes the world, alone. `body` also gets the simulator's time.
    public func with<Result: Sendable>(_ body: (inout SimulatedWorld, WallTime) -> Result) -> Result {
        let real = clock()
        return world.withLock { world in body(&world, real.advanced(by: world.settings.clockOffset)) }
    }
}
