import Access
import Synchronization

/// Those who are told what happened in a store.
final class Subscribers: Sendable {
    private let sinks = Mutex<[@Sendable (StoreNotice) -> Void]>([])

    func add(_ sink: @escaping @Sendable (StoreNotice) -> Void) {
        sinks.withLock { $0.append(sink) }
    }

    func tell(_ notices: [StoreNotice]) {
        guard !notices.isEmpty else { return }
        let all = sinks.withLock { $0 }
        for notice in notices {
            for sink in all { sink(notice) }
        }
    }
}
