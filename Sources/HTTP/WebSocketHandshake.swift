/// What a request's fields say of a WebSocket (RFC 6455 section 4.2.1), gathered in one walk. What falls short of a handshake stays an ordinary request,
/// whose upgrade nobody hears of: the application then says what it thinks of it, and no byte behind it is taken for a frame.
struct WebSocketHandshake {
    /// `Upgrade` fields, of any kind.
    private(set) var upgrades = 0
    private var isWebSocket = false
    private var keys = 0
    private var keyIsGood = false
    private var versions = 0
    private var versionIsGood = false

    /// Takes note of one field; those that say nothing of it are passed over.
    mutating func note(_ entry: Fields.Entry, _ arena: Span<UInt8>) {
        let value = arena.extracting(entry.value)
        switch entry.known {
        case .upgrade:
            upgrades += 1
            isWebSocket = equalsIgnoringCase(value, "websocket")
        case .secWebSocketKey:
            keys += 1
            keyIsGood = Self.isKey(value)
        case .secWebSocketVersion:
            versions += 1
            versionIsGood = Self.isVersion(value)
        default: break
        }
    }

    /// Whether all of it is there, once, and `Connection` names the upgrade. Which version it is, is for the application to like or not (426).
    func isWhole(_ head: borrowing RequestHead, connectionUpgrades: Bool) -> Bool {
        head.method == .get && head.version == .http11 && head.body == .none && connectionUpgrades && upgrades == 1 && isWebSocket && keys == 1
            && keyIsGood && versions == 1 && versionIsGood
    }

    /// Sixteen bytes in base 64: 22 characters and `==`.
    private static func isKey(_ value: Span<UInt8>) -> Bool {
        guard value.count == 24, value[22] == UInt8(ascii: "="), value[23] == UInt8(ascii: "=") else { return false }
        for at in 0..<22 {
            let byte = value[at]
            guard isDigit(byte) || (byte | 0x20) &- 0x61 < 26 || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/") else { return false }
        }
        return true
    }

    /// One number of at most three digits, no list.
    private static func isVersion(_ value: Span<UInt8>) -> Bool {
        guard 1...3 ~= value.count else { return false }
        for at in value.indices where !isDigit(value[at]) { return false }
        return true
    }
}
