import Synchronization

/// The calls on their way from any thread to the one that makes them. Only values pass: a number, the request, and the continuation that waits.
final class CallQueue: Sendable {
    typealias Answer = Result<OutboundResponse, OutboundFailure>

    struct Call: Sendable {
        var number: UInt64
        var request: OutboundRequest
        var waiting: CheckedContinuation<Answer, Never>
    }

    /// What the thread finds when it looks.
    enum Delivery: Sendable {
        case calls([Call])
        /// No more will come; these were still waiting.
        case closed([Call])
    }

    private struct State: Sendable {
        var waiting: [Call] = []
        /// Taken or waiting, without an answer yet.
        var open = 0
        var nextNumber: UInt64 = 1
        var isClosed = false
    }

    private let state = Mutex(State())
    private let limit: Int
    let pipe: WakePipe

    /// - Parameter limit: how many calls may be without an answer at a time.
    init(limit: Int, pipe: WakePipe) {
        self.limit = limit
        self.pipe = pipe
    }

    /// Puts a call in line, or answers it at once where there is no room.
    func submit(_ request: OutboundRequest, _ waiting: CheckedContinuation<Answer, Never>) {
        let refusal: OutboundFailure? = state.withLock { state in
            if state.isClosed { return OutboundFailure(.aborted) }
            if state.open >= limit { return OutboundFailure(.overloaded) }
            state.waiting.append(Call(number: state.nextNumber, request: request, waiting: waiting))
            state.nextNumber += 1
            state.open += 1
            return nil
        }
        if let refusal { waiting.resume(returning: .failure(refusal)) } else { pipe.wake() }
    }

    func take() -> Delivery {
        pipe.drain()
        return state.withLock { state in
            let calls = state.waiting
            state.waiting = []
            return state.isClosed ? .closed(calls) : .calls(calls)
        }
    }

    /// Answers a call that was taken.
    func answer(_ call: Call, _ answer: Answer) {
        state.withLock { $0.open -= 1 }
        call.waiting.resume(returning: answer)
    }

    func close() {
        state.withLock { $0.isClosed = true }
        pipe.wake()
    }
}
