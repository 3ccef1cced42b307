internal import Proxy

/// The few kinds of answers that the portal gives.
extension Portal {
    /// A redirect that nobody keeps.
    func redirect(_ status: Int, _ address: String, cookies: [String] = []) -> OwnResponse {
        var fields: [(name: String, value: String)] = [("Location", address), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
        for cookie in cookies { fields.append(("Set-Cookie", cookie)) }
        return OwnResponse(status: status, fields: fields)
    }

    /// A page, with the policy that goes with it.
    func show(_ page: Page, status: Int = 200, cookies: [String] = []) -> OwnResponse {
        var fields: [(name: String, value: String)] = [
            ("Content-Type", "text/html; charset=utf-8"), ("Content-Language", page.language.tag), ("Cache-Control", "no-store"),
            ("Content-Security-Policy", page.contentSecurityPolicy), ("X-Content-Type-Options", "nosniff"),
            // Not `no-referrer`: with it browsers send `Origin: null` with our own forms.
            ("Referrer-Policy", "same-origin"),
        ]
        if page.framableBy.isEmpty { fields.append(("X-Frame-Options", "DENY")) }
        for cookie in cookies { fields.append(("Set-Cookie", cookie)) }
        return OwnResponse(status: status, fields: fields, body: page.document)
    }

    func data(_ type: String, _ body: [UInt8], cache: String) -> OwnResponse {
        OwnResponse(
            status: 200, fields: [("Content-Type", type), ("Cache-Control", cache), ("X-Content-Type-Options", "nosniff")], body: body)
    }
}
