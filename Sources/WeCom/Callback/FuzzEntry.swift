internal import Bytes
internal import Crypto

/// Reads any bytes as what comes to a callback's address, for the fuzzer and for kept inputs; what is wrong with the answer, or nil. The first byte says
/// as which part: envelope and event, query, ciphertext, or what is in a ciphertext that was made with the right key.
public func fuzzCallback(_ bytes: [UInt8]) -> String? {
    guard let kind = bytes.first, let keys = CallbackKeys(token: "t", aesKey: "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C") else { return nil }
    let rest = Array(bytes.dropFirst())
    switch kind & 3 {
    case 0:
        let change = DirectoryChange(message: rest)
        if change.users.count > DirectoryChange.userLimit { return "too many users" }
        if change.users.contains(where: { UserID($0) == nil }) { return "what is no user id" }
        if let text = FlatMessage(rest)?.text("encrypt"), text.utf8.count > rest.count * 3 { return "more text than there was" }
    case 1:
        let query = CallbackQuery(String(decoding: rest, as: UTF8.self))
        if let query, query["echostr"].utf8.count > rest.count * 3 { return "more text than there was" }
    case 2:
        if let plain = keys.decrypt(Base64.encode(rest), for: "ww1"), plain.count > rest.count { return "more text than there was" }
    default:
        let blocks = rest + Array(repeating: 7, count: (32 - rest.count % 32) % 32)
        guard let hidden = AESCBC.encrypt(blocks, key: keys.key, vector: Array(keys.key.prefix(16))) else { return nil }
        guard let plain = keys.decrypt(Base64.encode(hidden), for: "ww1") else { return nil }
        // 16 random bytes, the length, the message, the receiver, at least one byte of padding.
        if plain.count + 20 + 3 + 1 > blocks.count || !blocks[20...].starts(with: plain) { return "another text than was in it" }
    }
    return nil
}
