public import Crypto

/// The gateway's own cookies (README, *Security*).
public enum CookieNames {
    /// A host's session.
    public static let session: StaticString = "__Host-menwei"
    /// The auth origin's session.
    public static let auth: StaticString = "__Host-menwei-auth"
    /// The browser that a login belongs to; 20 minutes.
    public static let attempt: StaticString = "__Host-menwei-try"
    /// None of them is passed on to an upstream.
    public static let all = [session, auth, attempt]

    /// Whether `name` is one of them. Case does not count: browsers guard the prefix `__Host-` in any case.
    public static func isOwn(_ name: ArraySlice<UInt8>) -> Bool { all.contains { same(name, $0.description) } }
}

/// The value of one of the gateway's cookies: 256 random bits, 43 characters of base64url.
public enum CookieValue {
    /// Characters.
    public static let length = 43

    /// Whether `bytes` have a value's form.
    public static func isWellFormed(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.count == length
            && bytes.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
                default: false
                }
            }
    }

    /// What the store and a worker's cache know of the value: SHA-256 of its characters. Nil where it is malformed: that counts as no cookie.
    public static func digest(_ bytes: ArraySlice<UInt8>, _ hasher: Hasher256) -> Digest256? {
        isWellFormed(bytes) ? hasher.hash(bytes.span) : nil
    }

    /// The same of a text, off the hot path.
    public static func digest(_ text: String) -> Digest256? {
        let bytes = Array(text.utf8)
        return isWellFormed(bytes[...]) ? Digest.sha256(bytes) : nil
    }
}

/// Texts for `Set-Cookie` (RFC 6265 section 4.1). All of the gateway's cookies are `Secure; HttpOnly; Path=/; SameSite=Lax` and have no `Domain`.
public enum SetCookie {
    /// - Parameter maxAge: whole seconds are written; at least 0.
    public static func text(_ name: StaticString, _ value: String, maxAge: Duration) -> String {
        "\(name)=\(value); Max-Age=\(max(0, maxAge.components.seconds)); Path=/; Secure; HttpOnly; SameSite=Lax"
    }

    /// Removes the cookie from the browser.
    public static func removal(of name: StaticString) -> String { text(name, "", maxAge: .zero) }
}
