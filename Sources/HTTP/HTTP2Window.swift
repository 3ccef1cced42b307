/// How wide the window of one stream's request body is, and when it grows.
struct HTTP2Window {
    /// Bytes; 0: as SETTINGS_INITIAL_WINDOW_SIZE says.
    private(set) var size = 0
    private var passed = 0
    /// So many windows' worth must have passed before it doubles: short bodies never come that far.
    private static let patience = 4

    /// `count` bytes were passed on, `waiting` were not yet. The new size, where it is to grow.
    mutating func passedOn(_ count: Int, waiting: Int, from initial: Int, to limit: Int) -> Int? {
        let now = max(size, initial)
        if now >= limit { return nil }
        // Who does not keep up gets no more to hold.
        if waiting > now / 4 {
            passed = 0
            return nil
        }
        passed += count
        guard passed >= now * Self.patience else { return nil }
        passed = 0
        size = min(limit, now * 2)
        return size
    }
}
