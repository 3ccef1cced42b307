internal import Bytes
internal import Crypto

/// What a QR code of ours is about: 128 random bits, 22 characters of base64url. The store knows only a hash of it.
struct ScanCode: Equatable, Sendable {
    let text: String

    static let randomBytes = 16

    init(random: [UInt8]) { text = Base64URL.encode(random) }

    /// Nil where it is none that we could have made.
    init?(_ text: Substring) {
        guard Base64URL.decode(String(text))?.count == Self.randomBytes else { return nil }
        self.text = String(text)
    }

    /// Where the store keeps who asks.
    var key: Digest256 { Digest.sha256("menwei scan " + text) }
    /// Where it keeps the answer: put once, by whoever is first.
    var answerKey: Digest256 { Digest.sha256("menwei scan answer " + text) }
}
