import Synchronization

/// How many sessions are live, as the store said last: asked every two seconds (`Supervisor`), read with the metrics.
final class SessionCount: Sendable {
    static let shared = SessionCount()
    private let count = Atomic<Int>(-1)

    /// Nil before the store was asked.
    var value: Int? {
        let value = count.load(ordering: .relaxed)
        return value < 0 ? nil : value
    }

    func set(_ value: Int) { count.store(value, ordering: .relaxed) }
}
