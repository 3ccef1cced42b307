import COpenSSL

/// What OpenSSL did not do. `reason` is OpenSSL's own short text (never a peer's bytes), for the administrator.
public struct TLSError: Error, Equatable, Sendable, CustomStringConvertible {
    public struct Code: RawRepresentable, Hashable, Sendable {
        public var rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        public static let certificate = Code(rawValue: "certificate")
        public static let key = Code(rawValue: "key")
        public static let mismatch = Code(rawValue: "mismatch")
        public static let context = Code(rawValue: "context")
        public static let handshake = Code(rawValue: "handshake")
        public static let record = Code(rawValue: "record")
    }
    public var code: Code
    public var reason: String

    public init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    public var description: String { reason }

    /// The oldest error in this thread's queue (the cause), and the queue emptied.
    static func last(_ code: Code) -> TLSError {
        let error = ERR_get_error()
        ERR_clear_error()
        guard error != 0, let text = unsafe ERR_reason_error_string(error) else { return TLSError(code, "unknown") }
        return TLSError(code, unsafe String(cString: text))
    }
}
