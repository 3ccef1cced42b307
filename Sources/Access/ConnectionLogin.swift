public import HTTP

/// Ways of logging in that bind a connection, and not a request, to a person (NTLM, Negotiate): such a connection to the upstream must never serve
/// another client (README, *NTLM and Negotiate*).
public enum ConnectionLogin {
    /// How far such a login of a connection is, by a request and the head of its answer.
    public enum Progress: Sendable {
        /// Neither of them speaks of one.
        case none
        /// The upstream asks for one, or did not take the one that the request brought.
        case asked
        /// The upstream answers what the request brought with a question of its own: the rest of the login must come over the same connection.
        case challenged
        /// The upstream let in whom the request brought.
        case done
    }

    public static func progress(_ request: Fields, _ answer: Fields, status: UInt16) -> Progress {
        if isBrought(by: request) { return status == 401 ? isAsked(by: answer, withQuestion: true) ? .challenged : .asked : .done }
        return isAsked(by: answer, withQuestion: false) ? .asked : .none
    }

    /// Whether the request brings such a login, or a part of it.
    public static func isBrought(by request: Fields) -> Bool {
        for entry in request.entries where entry.known == .authorization && isScheme(request.value(entry), withQuestion: false) { return true }
        return false
    }

    /// Whether the answer asks for one; `withQuestion`: and goes on with one that has begun.
    private static func isAsked(by answer: Fields, withQuestion: Bool) -> Bool {
        for entry in answer.entries where entry.known == .wwwAuthenticate {
            // A list of challenges: a word that is a scheme stands at its beginning or after a comma.
            if answer.value(entry).split(separator: 0x2C).contains(where: { isScheme(trim($0), withQuestion: withQuestion) }) { return true }
        }
        return false
    }

    private static func isScheme(_ value: ArraySlice<UInt8>, withQuestion: Bool) -> Bool {
        let word = value.prefix { $0 != 0x20 && $0 != 0x09 }
        return (same(word, "ntlm") || same(word, "negotiate")) && (!withQuestion || word.count < value.count)
    }
}
