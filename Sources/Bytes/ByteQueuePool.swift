/// Memory that the queues of one thread take turns with: whatever connection is busy works in memory that is still in the processor's cache, and an idle one
/// holds none. It belongs to one thread.
@safe public final class ByteQueuePool {
    /// Bytes of each piece.
    public static let size = 32 << 10
    /// Pieces that wait at the most; beyond them the memory goes back to the system.
    static let kept = 64
    /// Pieces that nobody uses, each with the address of the next in its first bytes.
    private var spare: UnsafeMutableRawPointer?
    private var count = 0

    public init() { unsafe spare = nil }

    deinit { while let piece = unsafe take() { unsafe piece.deallocate() } }

    private func take() -> UnsafeMutableRawPointer? {
        guard let piece = unsafe spare else { return nil }
        unsafe spare = piece.load(as: UnsafeMutableRawPointer?.self)
        count &-= 1
        return unsafe piece
    }

    /// Gives a queue without memory a piece. One that has some keeps it.
    public func lend(_ queue: inout ByteQueue) {
        guard unsafe queue.base == nil else { return }
        unsafe queue.base = take() ?? UnsafeMutableRawPointer.allocate(byteCount: Self.size, alignment: 16)
        queue.capacity = Self.size
    }

    /// Takes the memory of a queue in which nothing waits, whether it was lent or not.
    public func takeBack(_ queue: inout ByteQueue) {
        guard queue.isEmpty, let piece = unsafe queue.base else { return }
        guard queue.capacity == Self.size, count < Self.kept else { return queue.release() }
        unsafe piece.storeBytes(of: spare, as: UnsafeMutableRawPointer?.self)
        unsafe spare = piece
        count &+= 1
        unsafe queue.base = nil
        queue.capacity = 0
        queue.start = 0
        queue.end = 0
    }
}
