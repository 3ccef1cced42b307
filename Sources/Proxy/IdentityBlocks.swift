import Access
import Bytes
import Crypto
import HTTP

/// The header lines that tell a site's upstream who is asking: the plain headers and the assertion, as they go over the wire.
struct IdentityBlock {
    let bytes: [UInt8]
    /// Where the assertion lies in them.
    let assertion: Range<Int>
    let mintedAt: WallTime
    let goodUntil: WallTime

    func isGood(at now: WallTime) -> Bool { mintedAt <= now && now < goodUntil }
}

/// Makes identity blocks, and keeps them with their session: rendering and signing cost some 20 µs, copying a block next to nothing.
final class IdentityBlocks {
    private(set) var minter: AssertionMinter
    private let plainNames: String?
    private let sessions: SessionCache
    /// Blocks of other makers (an older configuration, another key) are none of ours.
    private var number: UInt64

    init(_ options: GatewayOptions, minter: AssertionMinter, sessions: SessionCache) {
        self.minter = minter
        self.sessions = sessions
        number = sessions.nextMaker()
        plainNames = options.plainNames
    }

    /// Signs with another key from now on.
    func replace(minter: AssertionMinter) {
        self.minter = minter
        number = sessions.nextMaker()
    }

    /// Nil where no assertion can be made: then the request must not go on.
    func block(for session: SessionEntry, at site: Site, now: WallTime) -> IdentityBlock? {
        if session.identityMaker != number {
            session.identities.removeAll()
            session.identityMaker = number
        }
        if let index = session.identities.firstIndex(where: { $0.site == site.index }) {
            if session.identities[index].block.isGood(at: now) { return session.identities[index].block }
            session.identities.remove(at: index)
        }
        guard let block = make(session.record, site, now) else { return nil }
        session.identities.append((site.index, block))
        return block
    }

    private func make(_ session: SessionRecord, _ site: Site, _ now: WallTime) -> IdentityBlock? {
        let audience = AssertionMinter.audience(site.options.origin, path: site.options.path)
        guard let jti = try? Random.identifier(), let assertion = try? minter.mint(session, audience: audience, jti: jti, now: now) else { return nil }
        var bytes: [UInt8] = []
        bytes.append(contentsOf: "X-Menwei-Assertion: ".utf8)
        let start = bytes.count
        bytes.append(contentsOf: assertion.bytes)
        let end = bytes.count
        bytes.append(contentsOf: "\r\n".utf8)
        let isPlain = session.member.connection == plainNames
        for header in site.options.identityHeaders {
            Self.append(header.name, to: &bytes) { header.render(session.member, plainNames: isPlain, into: &$0) }
        }
        if let basic = site.options.basic {
            Self.append("Authorization", to: &bytes) { basic.render(session.member, plainNames: isPlain, into: &$0) }
        }
        return IdentityBlock(bytes: bytes, assertion: start..<end, mintedAt: assertion.mintedAt, goodUntil: assertion.goodUntil)
    }

    /// A header line, unless `render` has no value for it.
    private static func append(_ name: String, to bytes: inout [UInt8], _ render: (inout [UInt8]) -> Bool) {
        let start = bytes.count
        bytes.append(contentsOf: name.utf8)
        bytes.append(contentsOf: ": ".utf8)
        if render(&bytes) { bytes.append(contentsOf: "\r\n".utf8) } else { bytes.removeLast(bytes.count - start) }
    }
}
