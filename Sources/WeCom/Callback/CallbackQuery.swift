internal import Bytes

/// `msg_signature`, `timestamp`, `nonce` and `echostr` of a callback. They are percent-decoded only: a `+` is base 64 and stays.
struct CallbackQuery {
    private var values: [String: String] = [:]

    /// Nil where one of the names stands twice, or a value is not UTF-8 or longer than any of WeCom's.
    init?(_ raw: String) {
        for pair in raw.utf8.split(separator: UInt8(ascii: "&")) {
            let name = String(decoding: pair.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
            guard ["msg_signature", "timestamp", "nonce", "echostr"].contains(name) else { continue }
            let raw = Array(pair.dropFirst(name.utf8.count + 1))
            guard let decoded = Percent.decode(raw[...]), decoded.count <= 8192, let value = String(validating: decoded, as: UTF8.self),
                values.updateValue(value, forKey: name) == nil
            else { return nil }
        }
    }

    subscript(_ name: String) -> String { values[name] ?? "" }

    /// When it was signed; nil where that is no number of seconds.
    var time: WallTime? {
        let text = self["timestamp"]
        guard (1...12).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(text).map { WallTime(seconds: $0) }
    }
}
