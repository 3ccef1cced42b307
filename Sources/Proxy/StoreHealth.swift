import Synchronization

/// Whether the session store can be read. While it cannot, no worker trusts what it remembers of sessions: their end could not be heard
/// (README, *What clients receive*). Set by one thread, read by all workers; a flag and not a notice of the store's, because
/// a store that hangs gives no notice.
public final class StoreHealth: Sendable {
    private let down = Atomic(false)

    public init() {}

    /// False until somebody found out otherwise.
    public var isDown: Bool {
        get { down.load(ordering: .relaxed) }
        set { down.store(newValue, ordering: .relaxed) }
    }
}
