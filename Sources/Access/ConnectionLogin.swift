public import HTTP

/// Ways of logging in that bind a connection, and not a request, to a person (NTLM, Negotiate): such a connection to the upstream must never serve
/// another client (README, *What the upstream receives*).
public enum ConnectionLogin {
    /// Whether the request brings such a login, or the answer asks for one.
    public static func isAsked(_ request: Fields, _ answer: Fields) -> Bool {
        for entry in request.entries where entry.known == .authorization && isScheme(request.value(entry)) { return true }
        for entry in answer.entries where entry.known == .wwwAuthenticate {
            // A list of challenges: a word that is a scheme stands at its beginning or after a comma.
            if answer.value(entry).split(separator: 0x2C).contains(where: { isScheme(trim($0)) }) { return true }
        }
        return false
    }

    private static func isScheme(_ value: ArraySlice<UInt8>) -> Bool {
        let word = value.prefix { $0 != 0x20 && $0 != 0x09 }
        return same(word, "ntlm") || same(word, "negotiate")
    }
}
