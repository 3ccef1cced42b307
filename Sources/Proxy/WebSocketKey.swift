import Bytes
import Crypto
import HTTP

/// The gateway's own half of a WebSocket handshake (RFC 6455 section 4.1): a client that speaks HTTP/2 sends no key (RFC 8441 section 5), the upstream
/// wants one, and nobody but the gateway can tell then whether its answer is to this handshake.
struct WebSocketKey {
    /// 16 bytes in base 64.
    let text: String
    private let accept: String

    init(_ bytes: [UInt8]) {
        text = Base64.encode(bytes)
        accept = Self.accept(for: text)
    }

    /// What a server answers to a key.
    static func accept(for key: String) -> String { Base64.encode(Digest.sha1(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))) }

    /// Nil without entropy.
    static func random() -> WebSocketKey? { (try? Random.bytes(16)).map(WebSocketKey.init) }

    /// Whether a 101 answers this key.
    func isAnswered(by fields: Fields) -> Bool { fields.text(.secWebSocketAccept) == accept }
}
