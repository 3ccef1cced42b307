internal import Bytes
internal import Crypto

/// An address to which a simulated corp sends events: entered at 通讯录同步 (contact-sync), or at an app's 接收消息.
public struct SimulatedCallback: Equatable, Sendable {
    /// The app whose callback it is; nil: contact-sync's.
    public var agentID: Int?
    public var url: String
    public var token: String
    /// 43 characters.
    public var aesKey: String
    /// `ADDRESS:PORT` in place of what the URL's host leads to.
    public var connectTo: String?
}

/// What is wrong with a message on purpose.
enum CallbackFault: String, CaseIterable {
    case none
    /// Signed with another token.
    case signature
    /// Signed an hour ago.
    case timestamp
    /// Encrypted for another corp.
    case receiveid
    /// Padded with bytes that are no number.
    case padding
    /// Sent twice as it is.
    case replay
}

/// The cipher and the signature of callbacks (D/96238 and its annex), from the sending side.
struct CallbackSealer {
    let callback: SimulatedCallback
    let corpID: String

    /// The query and the base 64 text of one message.
    func seal(_ message: String, fault: CallbackFault, now: WallTime, random: inout some RandomNumberGenerator) -> (query: [(String, String)], encrypted: String)? {
        guard let key = Base64.decodeKey(callback.aesKey), key.count == 32 else { return nil }
        var plain = (0..<16).map { _ in UInt8(ascii: "a") + UInt8.random(in: 0..<26, using: &random) }
        let count = message.utf8.count
        for place in 0..<4 { plain.append(UInt8(truncatingIfNeeded: count >> (24 - 8 * place))) }
        plain += Array(message.utf8) + Array((fault == .receiveid ? "ww0000000000000000" : corpID).utf8)
        let missing = 32 - plain.count % 32
        plain += Array(repeating: fault == .padding ? 0 : UInt8(missing), count: missing)
        guard let hidden = AESCBC.encrypt(plain, key: key, vector: Array(key[..<16])) else { return nil }
        let encrypted = Base64.encode(hidden)
        let timestamp = String(now.seconds - (fault == .timestamp ? 3600 : 0)), nonce = String(UInt32.random(in: 1...UInt32.max, using: &random))
        let token = fault == .signature ? callback.token + "x" : callback.token
        var parts = [token, timestamp, nonce, encrypted]
        parts.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let digest = Digest.sha1(Array(parts.joined().utf8))
        let signature = digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        return ([("msg_signature", signature), ("timestamp", timestamp), ("nonce", nonce)], encrypted)
    }
}

/// The message of one event, before it is encrypted.
struct SimulatedEvent: Equatable, Sendable {
    /// Who it is from: `sys`, or the member of an app's event.
    var sender = "sys"
    var members: [(name: String, value: String)]

    static func == (a: Self, b: Self) -> Bool {
        a.sender == b.sender && a.members.elementsEqual(b.members) { $0.name == $1.name && $0.value == $1.value }
    }

    func xml(corp: String, now: WallTime) -> String {
        let head = [("ToUserName", corp), ("FromUserName", sender), ("CreateTime", String(now.seconds)), ("MsgType", "event")]
        return "<xml>" + (head + members.map { ($0.name, $0.value) }).map { name, value in
            value.utf8.allSatisfy { (0x30...0x39).contains($0) } ? "<\(name)>\(value)</\(name)>" : "<\(name)><![CDATA[\(value)]]></\(name)>"
        }.joined() + "</xml>"
    }
}
