import Synchronization

/// Counters that one thread writes and any thread reads. Adding is a load and a store, no locked instruction: only the owner may call `add`.
final class CounterBlock: Sendable {
    static let capacity = 64
    private let cells = InlineArray<64, Atomic<UInt64>> { _ in Atomic<UInt64>(0) }

    func add(_ index: Int, _ amount: UInt64) {
        cells[index].store(cells[index].load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    func value(_ index: Int) -> UInt64 { cells[index].load(ordering: .relaxed) }
}
