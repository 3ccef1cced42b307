private import Bytes
public import HTTP

/// The gateway's name in `Via` (RFC 9110 section 7.6.3): `menwei-` and a token that no other instance has, so that a request that comes back
/// to where it has been is recognised, and one that only went through another gateway is not.
public struct ViaName: Sendable {
    /// `menwei-1a2b3c4d`
    public let text: String
    private let name: [UInt8]
    /// The whole field line, for what was received as HTTP/1.0, 1.1 and 2.
    private let lines: [[UInt8]]

    /// - Parameter token: random, once a process.
    public init(token: UInt32) {
        text = "menwei-" + Hex.encode((0..<4).map { UInt8(truncatingIfNeeded: token >> (24 - 8 * $0)) })
        name = Array(text.utf8)
        let text = text
        lines = ["1.0", "1.1", "2.0"].map { Array("Via: \($0) \(text)\r\n".utf8) }
    }

    /// `Via: 1.1 menwei-1a2b3c4d` and its line end. It goes behind those that came: fields of one name are one list, in their order.
    public func line(received version: HTTPVersion) -> [UInt8] { lines[Int(version.rawValue)] }

    /// Whether a `Via` value names this instance.
    func isNamed(in value: Span<UInt8>) -> Bool {
        guard value.count >= name.count else { return false }
        for start in 0...value.count - name.count where Self.matches(value, at: start, name) { return true }
        return false
    }

    private static func matches(_ value: Span<UInt8>, at start: Int, _ name: [UInt8]) -> Bool {
        for offset in 0..<name.count where lowercase(value[start + offset]) != name[offset] { return false }
        return true
    }
}
