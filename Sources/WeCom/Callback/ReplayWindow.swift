public import Bytes

/// The notifications that were taken lately, so that one that comes again, because WeCom did not see our answer or because somebody kept it, is not
/// acted upon twice. Only signed ones get here: strangers cannot fill it.
public struct ReplayWindow: Sendable {
    /// Signatures remembered; of more the oldest are forgotten, and one that comes again then is looked into again, which does no harm.
    static let capacity = 10_000

    private var seen: [String: WallTime] = [:]
    private var order: [(signature: String, until: WallTime)] = []
    private var start = 0

    public init() {}

    var count: Int { seen.count }

    /// Whether it is here for the first time, as far as is known.
    public mutating func isNew(_ signature: String, now: WallTime) -> Bool {
        while start < order.count, order[start].until <= now || order.count - start >= Self.capacity {
            seen[order[start].signature] = nil
            start += 1
        }
        if start > Self.capacity {
            order.removeFirst(start)
            start = 0
        }
        guard seen[signature] == nil else { return false }
        // A signature's own time may be ahead of ours by a window, and is good for one after it.
        let until = now.advanced(by: CallbackReader.window * 2)
        seen[signature] = until
        order.append((signature, until))
        return true
    }
}
