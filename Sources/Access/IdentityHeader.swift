/// One entry of `identity.headers`: a header name and the template of its value (README, *Configure*).
public struct IdentityHeader: Equatable, Sendable {
    /// What of the member stands in a template, in braces.
    public enum Placeholder: String, CaseIterable, Sendable {
        case account, id, name, email, mobile, departments, groups, tags, connection, corp
    }
    /// How a value becomes bytes that a field may carry.
    public enum Encoding: Equatable, Sendable {
        /// Percent-encoded where not visible ASCII, and `%` itself.
        case percent
        case base64
        /// The UTF-8 bytes, controls made spaces.
        case raw
        /// For the user-id of HTTP Basic (RFC 7617 section 2), which is UTF-8 but has no colon and no controls: these, and `%`, percent-encoded, so that
        /// no two accounts become one.
        case userID
    }
    /// A template is a row of these.
    public enum Part: Equatable, Sendable {
        case literal(String)
        case placeholder(Placeholder, Encoding)
    }

    /// As it was written.
    public var name: String
    public var parts: [Part]

    public init(name: String, parts: [Part]) {
        self.name = name
        self.parts = parts
    }
}
