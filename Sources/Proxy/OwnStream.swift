/// An answer of the gateway's own that goes on after its head: an event stream. It belongs to its worker's loop.
///
/// It ends by whoever writes it, with its client, and where the server drains or gets another configuration: what a stream may tell, and to whom, was
/// decided by the old one, and clients of event streams ask again by themselves. Nothing piles up: who does not take what was written is cut off.
public final class OwnStream {
    /// Nil once it is over.
    private weak var exchange: Exchange?
    /// Called once, when it is over, whatever ended it.
    public var onEnd: (() -> Void)?

    init(_ exchange: Exchange) {
        self.exchange = exchange
    }

    /// Writes the next piece; after the end it is dropped.
    public func send(_ bytes: [UInt8]) { exchange?.sendOwn(bytes) }

    /// The answer is complete.
    public func end() { exchange?.sendEnd(nil) }

    /// Its exchange is over.
    func over() {
        exchange = nil
        let onEnd = self.onEnd
        self.onEnd = nil
        onEnd?()
    }
}
