public import Bytes

/// The keys of session tickets (RFC 5077, RFC 8446 section 4.6.1), shared by all workers so that a session begun with one resumes with any. The newest
/// seals; the one before it still opens, so that no ticket is worth less for a rotation. They are kept in memory alone: who steals one later opens
/// no recording that is older than two rotations, and TLS 1.3 resumes with a fresh key exchange anyway.
public struct TicketKeys: Sendable {
    /// One key and its name, by which a ticket says what sealed it.
    struct Key: Sendable, Equatable {
        let name, cipher, mac: [UInt8]
    }

    /// How long a key seals. Tickets live two hours.
    public static let lifetime = Duration.seconds(12 * 3600)
    /// Random bytes of one key.
    public static let size = 80

    private(set) var current: Key
    private(set) var previous: Key?
    private var made: MonotonicTime

    /// - Parameter random: `size` random bytes.
    public init(random: [UInt8], at now: MonotonicTime) {
        current = Self.key(random)
        made = now
    }

    private static func key(_ random: [UInt8]) -> Key {
        precondition(random.count == size)
        return Key(name: Array(random[..<16]), cipher: Array(random[16..<48]), mac: Array(random[48...]))
    }

    /// Whether the key has sealed for long enough.
    public func isDue(at now: MonotonicTime) -> Bool { now.since(made) >= Self.lifetime.nanoseconds }

    /// A new key seals from now on.
    public mutating func rotate(random: [UInt8], at now: MonotonicTime) {
        // Of a process that slept for days nothing may still be opened.
        previous = now.since(made) < 2 * Self.lifetime.nanoseconds ? current : nil
        current = Self.key(random)
        made = now
    }

    /// The key of that name; nil where it is none of ours, or not any more.
    func key(named name: UnsafeBufferPointer<UInt8>) -> Key? {
        if unsafe current.name.elementsEqual(name) { return current }
        if let previous, unsafe previous.name.elementsEqual(name) { return previous }
        return nil
    }
}
