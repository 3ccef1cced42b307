/// Whether a client keeps up, told from counts and not from the time of its last byte: who sends or takes one byte now and then must not hold
/// memory for ever.
struct StreamPace {
    /// Less than this between two looks is standing still.
    static let minimum: UInt64 = 1 << 10

    /// Bytes of the body that came.
    var received: UInt64 = 0
    /// Bytes of the answer that were handed over to be sent.
    var given: UInt64 = 0

    private var receivedBefore: UInt64 = 0
    private var deliveredBefore: UInt64 = 0
    private var wasQueued = false
    private var awaitedBody = true

    enum Standstill { case body, answer }

    /// To be asked at even intervals. `queued`: bytes of the answer that the client did not take yet; `awaitsBody`: more of the request is
    /// awaited, and nothing but the client holds it back.
    mutating func standstill(queued: Int, awaitsBody: Bool) -> Standstill? {
        let delivered = given &- UInt64(queued)
        let takes = delivered &- deliveredBefore
        let sends = received &- receivedBefore
        // What began to wait since the last look has not waited long enough.
        let waitsForBody = awaitsBody && awaitedBody && sends < Self.minimum
        let waitsToSend = queued > 0 && wasQueued && takes < Self.minimum
        (deliveredBefore, receivedBefore) = (delivered, received)
        (wasQueued, awaitedBody) = (queued > 0, awaitsBody)
        return waitsToSend ? .answer : waitsForBody ? .body : nil
    }
}
