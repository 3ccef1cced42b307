import Glibc
import Synchronization
import Testing

@testable import EventLoop

/// Runs `body` on a thread with a loop of its own until it stops the loop; then gives back what `result` says there.
func onLoop<Result: Sendable>(_ body: @escaping @Sendable (EventLoop) throws -> () -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Result, any Error>) in
        do {
            try NamedThread.start("test-loop") {
                do {
                    let loop = try EventLoop()
                    // A test that hangs shall fail, not hang.
                    let limit = LoopTimer { fatal() }
                    loop.schedule(limit, after: 20_000_000_000)
                    let result = try body(loop)
                    loop.run()
                    continuation.resume(returning: result())
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        } catch {
            continuation.resume(throwing: error)
        }
    }
}

private func fatal() -> Never { preconditionFailure("the test's loop was not stopped") }

/// A handler made of closures.
final class Handler: PollHandler {
    var onReady: (Readiness) -> Void = { _ in }
    var onFlush: () -> Void = {}
    override func ready(_ readiness: Readiness) { onReady(readiness) }
    override func flush() { onFlush() }
}

/// Two ends of a stream, the caller's to close.
func socketPair() throws -> (Int32, Int32) {
    var ends: [Int32] = [0, 0]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0, &ends) == 0 else {
        throw SystemError("socketpair", errno: errno)
    }
    return (ends[0], ends[1])
}
