/// Request heads that no exchange uses, with the memory they have grown: shared by all HTTP/2 connections of a worker, so that an idle connection holds
/// none and a busy one finds enough. It belongs to one thread.
public final class RequestHeadPool {
    /// Heads that wait at the most.
    private static let kept = 256
    /// Bytes of arena above which a head is not kept: a giant one must not hold its memory for good.
    private static let largestArena = 8 << 10
    private var spare: [RequestHead] = []

    public init() { spare.reserveCapacity(Self.kept) }

    func take() -> RequestHead { spare.popLast() ?? RequestHead() }

    /// Leaves an empty head behind. It is moved and not passed: a second reference to its memory would have it copied when it is emptied.
    func give(_ head: inout RequestHead) {
        var given = RequestHead()
        swap(&given, &head)
        guard spare.count < Self.kept, given.fields.arena.capacity <= Self.largestArena else { return }
        given.reset()
        spare.append(given)
    }
}
