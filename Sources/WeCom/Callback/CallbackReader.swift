public import Bytes
internal import Crypto

/// Reads what comes to a callback's address (developer document 96238): the check when the address is saved, and notifications. Pure.
public struct CallbackReader: Sendable {
    /// A notification that WeCom signed for us, not long ago.
    public struct Notification: Sendable, Equatable {
        /// Tells one from another, and the same one when it comes again.
        public var signature: String
        public var change: DirectoryChange

        public init(signature: String, change: DirectoryChange) {
            self.signature = signature
            self.change = change
        }
    }
    /// Why a request is not taken: for the administrator's log. Whoever asked is told nothing of it.
    public enum Fault: String, Error, Sendable {
        /// It is no callback: a part is missing, given twice, or too long, or the envelope is neither XML nor JSON.
        case malformed
        /// Signed at another time: WeCom's clock and ours are apart, or it is an old one that somebody kept.
        case time = "timestamp"
        case signature
        /// Signed with our token, but not encrypted with our key for our corp.
        case cipher
    }

    /// How far the time of a signature may be from ours, either way: 10 minutes, for clocks that are a little wrong and for WeCom's repeated attempts.
    public static let window = Duration.seconds(600)

    private let keys: CallbackKeys
    private let corpID: String

    public init(_ keys: CallbackKeys, corpID: String) {
        self.keys = keys
        self.corpID = corpID
    }

    /// The answer to WeCom's check of the address: the text inside of `echostr`.
    /// - Parameter query: raw, without `?`.
    public func echo(query: String, now: WallTime) throws(Fault) -> [UInt8] {
        guard let query = CallbackQuery(query) else { throw .malformed }
        return try open(query["echostr"], query, now)
    }

    /// What a POST tells. What is signed and encrypted as it should be, and then makes no sense, concerns nobody.
    /// - Parameters:
    ///   - query: raw, without `?`.
    ///   - body: the envelope, XML or JSON.
    public func notification(query: String, body: [UInt8], now: WallTime) throws(Fault) -> Notification {
        // Cheapest first: a stranger must not have more work done than one who asks for a page.
        guard let query = CallbackQuery(query) else { throw .malformed }
        try check(query, now)
        guard let envelope = FlatMessage(body), let encrypted = envelope.text("encrypt") else { throw .malformed }
        return Notification(signature: query["msg_signature"], change: DirectoryChange(message: try open(encrypted, query, now)))
    }

    private func check(_ query: CallbackQuery, _ now: WallTime) throws(Fault) {
        guard query["msg_signature"].utf8.count == 40, !query["nonce"].isEmpty, let time = query.time else { throw .malformed }
        guard abs(time.milliseconds - now.milliseconds) <= Self.window.milliseconds else { throw .time }
    }

    /// The signature before all else: nobody without the token learns anything of what the cipher says.
    private func open(_ encrypted: String, _ query: CallbackQuery, _ now: WallTime) throws(Fault) -> [UInt8] {
        try check(query, now)
        guard !encrypted.isEmpty else { throw .malformed }
        let signature = keys.signature(timestamp: query["timestamp"], nonce: query["nonce"], encrypted: encrypted)
        guard constantTimeEqual(Array(signature.utf8), Array(query["msg_signature"].utf8)) else { throw .signature }
        guard let message = keys.decrypt(encrypted, for: corpID) else { throw .cipher }
        return message
    }
}
