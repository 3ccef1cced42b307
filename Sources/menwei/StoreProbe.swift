import Access
import Synchronization

/// Asks a store whether it answers, and does not wait longer than a balancer's health check does.
final class StoreProbe: Sendable {
    private let store: any SessionStore
    /// Who waits for the answer that the store owes; nil: it owes none. Whoever asks meanwhile gets the same answer: another question would only
    /// wait behind the first.
    private let waiting = Mutex<[Answer]?>(nil)

    private static let patience = Duration.seconds(2)
    /// More than that do not wait together.
    private static let most = 64

    init(_ store: any SessionStore) { self.store = store }

    func isFine() async -> Bool {
        await withCheckedContinuation { continuation in
            let answer = Answer(continuation)
            let (isFirst, isTaken) = waiting.withLock { waiting in
                let others = waiting ?? []
                guard others.count < Self.most else { return (false, false) }
                defer { waiting = others + [answer] }
                return (waiting == nil, true)
            }
            guard isTaken else { return answer.give(false) }
            Task {
                try? await Task.sleep(for: Self.patience)
                answer.give(false)
            }
            if isFirst { ask() }
        }
    }

    private func ask() {
        Task {
            let isFine = (try? await store.probe()) != nil
            let answers = waiting.withLock { waiting in
                defer { waiting = nil }
                return waiting ?? []
            }
            for answer in answers { answer.give(isFine) }
        }
    }

    /// The first answer counts.
    private final class Answer: Sendable {
        private let continuation: Mutex<CheckedContinuation<Bool, Never>?>

        init(_ continuation: CheckedContinuation<Bool, Never>) { self.continuation = Mutex(continuation) }

        func give(_ isFine: Bool) {
            let waiting = continuation.withLock { held in
                defer { held = nil }
                return held
            }
            waiting?.resume(returning: isFine)
        }
    }
}
