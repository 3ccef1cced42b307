/// Field names as careless applications see them. CGI, WSGI and PHP turn `X-User`, `X_User` and `X.User` into one variable; older CGI does
/// so with every other mark that a token may hold. All these count as one name here.
public enum FoldedName {
    /// A–Z to lower case, all but letters and digits to `-`.
    @inlinable public static func fold(_ byte: UInt8) -> UInt8 {
        switch byte {
        case 0x61...0x7A, 0x30...0x39: byte
        case 0x41...0x5A: byte | 0x20
        default: 0x2D
        }
    }

    /// Every byte of it.
    public static func fold(_ name: String) -> [UInt8] { name.utf8.map(fold) }

    /// Whether the folded `name` begins with `prefix`, which is folded.
    static func hasPrefix(_ name: Span<UInt8>, _ prefix: [UInt8]) -> Bool {
        guard name.count >= prefix.count else { return false }
        for i in 0..<prefix.count where fold(name[i]) != prefix[i] { return false }
        return true
    }

    static func equal(_ a: Span<UInt8>, _ b: Span<UInt8>) -> Bool {
        guard a.count == b.count else { return false }
        for i in 0..<a.count where fold(a[i]) != fold(b[i]) { return false }
        return true
    }
}

/// A set of folded names and folded prefixes that answers most questions with one table look-up: it is asked for each field of each request.
public struct FoldedNameSet: Sendable {
    /// By first folded byte (5 bits of it): a bit for each length that a member may have; lengths from 63 on share the last.
    private var lengths = [UInt64](repeating: 0, count: 32)
    private var prefixes: [[UInt8]] = []
    /// Open addressing; the size is a power of two, at most half is filled. Empty arrays are free places.
    private var table: [[UInt8]] = []
    private var mask = 0

    /// - Parameters:
    ///   - names: in any spelling; empty ones are left out.
    ///   - prefixes: likewise; each stands for all names that begin with it.
    public init(names: [String], prefixes: [String] = []) {
        let folded = Set(names.map(FoldedName.fold)).filter { !$0.isEmpty }
        var size = 8
        while size < folded.count * 2 { size *= 2 }
        table = [[UInt8]](repeating: [], count: size)
        mask = size - 1
        for name in folded {
            var at = Self.hash(name.span) & mask
            while !table[at].isEmpty { at = (at + 1) & mask }
            table[at] = name
            lengths[Int(name[0] & 31)] |= 1 << UInt64(min(name.count, 63))
        }
        for prefix in prefixes.map(FoldedName.fold) where !prefix.isEmpty {
            self.prefixes.append(prefix)
            lengths[Int(prefix[0] & 31)] |= UInt64.max << UInt64(min(prefix.count, 63))
        }
    }

    /// Whether `name`, however it is spelled, is one of the names or begins with one of the prefixes.
    public func contains(_ name: Span<UInt8>) -> Bool {
        guard !name.isEmpty else { return false }
        guard lengths[Int(FoldedName.fold(name[0]) & 31)] >> UInt64(min(name.count, 63)) & 1 != 0 else { return false }
        for i in prefixes.indices where FoldedName.hasPrefix(name, prefixes[i]) { return true }
        var at = Self.hash(name) & mask
        while !table[at].isEmpty {
            if table[at].count == name.count, FoldedName.hasPrefix(name, table[at]) { return true }
            at = (at &+ 1) & mask
        }
        return false
    }

    public func contains(_ name: String) -> Bool { contains(Array(name.utf8).span) }

    /// FNV-1a over the folded bytes. The members come from the configuration: nobody can choose them to collide.
    private static func hash(_ name: Span<UInt8>) -> Int {
        var h: UInt64 = 0xCBF2_9CE4_8422_2325
        for i in name.indices { h = (h ^ UInt64(FoldedName.fold(name[i]))) &* 0x100_0000_01B3 }
        return Int(truncatingIfNeeded: h ^ h >> 32)
    }
}
