import Bytes
import Crypto

/// Which key signs now and which are published: what a worker has to know of the keys.
struct SigningDuty: Sendable {
    var key: SigningKey
    /// The JWK set.
    var publicKeys: [UInt8]
    var lifetime: Duration

    /// Nil where no key signs.
    /// - Parameters:
    ///   - lifetime: of the assertions that are signed from now on.
    ///   - longest: of those that may still be live; what signed them is published as long.
    init?(_ contents: KeyFolderContents, lifetime: Duration, longest: Duration, at now: WallTime) {
        let ring = KeyRing(names: contents.ring.names, lifetime: max(lifetime, longest))
        guard let name = ring.signing(at: now), let key = contents.keys[name.kid] else { return nil }
        self.key = key
        self.lifetime = lifetime
        let published = ring.published(at: now).compactMap { contents.keys[$0.kid]?.publicKey.jwk }
        publicKeys = Array(("{\"keys\":[" + published.joined(separator: ",") + "]}").utf8)
    }

    /// Whether a worker that knows the one has to be told of the other.
    static func isSame(_ a: Self, _ b: Self) -> Bool { a.key.kid == b.key.kid && a.publicKeys == b.publicKeys && a.lifetime == b.lifetime }
}
