internal import Proxy

/// A refusal as a program reads it (RFC 9457): `application/problem+json`.
struct Problem {
    enum Kind: String {
        case loginRequired = "login-required"
        case denied
        case noSuchSite = "no-such-site"
        case malformed
        case tooLarge = "too-large"
        case upstream
        case storeDown = "store-down"
    }

    var kind: Kind
    var status: Int
    var title: String
    var detail: String
    var requestID: String
    /// With 401 only.
    var loginURL: String?

    var response: OwnResponse {
        var members: [(String, JSONText)] = [
            ("type", .text("urn:menwei:" + kind.rawValue)), ("title", .text(title)), ("status", .number(status)), ("detail", .text(detail)),
            ("request_id", .text(requestID)),
        ]
        if let loginURL { members.append(("login_url", .text(loginURL))) }
        return OwnResponse(
            status: status,
            fields: [("Content-Type", "application/problem+json"), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")],
            body: JSONText.object(members).bytes)
    }
}
