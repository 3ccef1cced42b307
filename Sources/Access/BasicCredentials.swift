/// What a site's upstream gets as `Authorization` where it knows nothing but HTTP Basic (`identity.basic`): a user-id made of the member, and a password
/// that says no more than that the gateway asks.
public struct BasicCredentials: Equatable, Sendable {
    private let user: [IdentityHeader.Part]
    private let password: [UInt8]

    /// - Parameters:
    ///   - template: as in `identity.headers`; what it says of the member goes as UTF-8 (RFC 7617 section 2.1).
    ///   - password: of UTF-8 without controls.
    public init(user template: String, password: String) throws(IdentityHeaderFault) {
        var parts: [IdentityHeader.Part] = []
        for part in try IdentityHeader.parse(template) {
            switch part {
            case .literal(let text):
                if text.contains(":") { throw .colon }
                parts.append(part)
            case .placeholder(let placeholder, let encoding): parts.append(.placeholder(placeholder, encoding == .base64 ? .base64 : .userID))
            }
        }
        user = parts
        self.password = Array(password.utf8)
    }

    /// Appends the field's value for `member` to `out`; false, and nothing appended, where nothing of the member that it asks for is known.
    public func render(_ member: Member, plainNames: Bool, into out: inout [UInt8]) -> Bool {
        var text: [UInt8] = []
        guard IdentityHeader.render(user, member, plainNames: plainNames, into: &text) else { return false }
        text.append(0x3A)
        text.append(contentsOf: password)
        out.append(contentsOf: "Basic ".utf8)
        appendBase64(text.span, to: &out)
        return true
    }
}

extension BasicCredentials: CustomStringConvertible, CustomReflectable {
    /// Says nothing of the password, wherever it is printed.
    public var description: String { "BasicCredentials" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
