extension Method {
    /// The method that a token names; `nil` where it is no token, is longer than 32 bytes, or has a small letter: methods are
    /// case-sensitive (RFC 9110 section 9.1), but applications are known to fold `post` to POST after a rule for POST has been passed by.
    public init?(token: Span<UInt8>) {
        guard 1...32 ~= token.count else { return nil }
        for at in 0..<token.count {
            let byte = token[at]
            guard isToken(byte), byte &- 0x61 >= 26 else { return nil }
        }
        self = Self.named(token)
    }

    private static func named(_ token: Span<UInt8>) -> Method {
        let candidate: Method
        switch (token.count, token[0]) {
        case (3, UInt8(ascii: "G")): candidate = .get
        case (3, _): candidate = .put
        case (4, UInt8(ascii: "P")): candidate = .post
        case (4, _): candidate = .head
        case (5, UInt8(ascii: "P")): candidate = .patch
        case (5, _): candidate = .trace
        case (6, _): candidate = .delete
        case (7, UInt8(ascii: "O")): candidate = .options
        case (7, _): candidate = .connect
        default: return .other
        }
        return equalsIgnoringCase(token, candidate.text) ? candidate : .other
    }

    /// The method's token; empty for `other`.
    public var text: StaticString {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .patch: "PATCH"
        case .connect: "CONNECT"
        case .trace: "TRACE"
        case .other: ""
        }
    }
}
