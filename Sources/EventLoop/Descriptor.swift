import Glibc

/// A file descriptor with one owner; closed when the owner lets go.
public struct Descriptor: ~Copyable, Sendable {
    public let raw: Int32

    /// Takes ownership.
    public init(owning raw: Int32) { self.raw = raw }

    /// Gives the descriptor away, open.
    public consuming func release() -> Int32 {
        let raw = self.raw
        discard self
        return raw
    }

    deinit { _ = Glibc.close(raw) }
}
