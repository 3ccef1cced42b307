import Access

/// One entry of `identity.headers`.
struct HeaderEntry {
    var name: String
    var mark: Mark
    /// Nil: the header of that name is removed.
    var header: IdentityHeader?
}

/// Built-in headers, those of `site_defaults` and the site's own made one list.
struct HeaderMerge {
    let findings: Findings

    func headers(of entries: [HeaderEntry]) -> [IdentityHeader] {
        var headers = IdentityHeader.defaults
        for entry in entries {
            let index = headers.firstIndex { $0.name.lowercased() == entry.name.lowercased() }
            guard let header = entry.header else {
                if let index {
                    headers.remove(at: index)
                } else {
                    let hint = Suggestion.hint(for: entry.name, among: headers.map(\.name))
                    findings.warn(entry.mark, "there is no header \(quoted(entry.name)) to remove" + hint)
                }
                continue
            }
            if let index {
                headers[index] = header
            } else if let other = headers.first(where: { $0.foldedName == header.foldedName }) {
                findings.fault(entry.mark, "\(quoted(header.name)) and \(quoted(other.name)) are the same header to many applications; remove one")
            } else {
                headers.append(header)
            }
        }
        return headers
    }
}

extension IdentityHeaderFault {
    /// Whether the name is at fault, and not the template.
    var isOfName: Bool {
        switch self {
        case .notAToken, .hopByHop, .routes, .setByGateway: true
        case .unknownPlaceholder, .unknownEncoding, .malformedBraces, .controlCharacter, .badLength, .colon: false
        }
    }

    func message(name: String) -> String {
        switch self {
        case .notAToken: return "\(quoted(name)) is no header name"
        case .hopByHop: return "\(quoted(name)) belongs to a single connection and cannot carry an identity"
        case .routes: return "\(quoted(name)) frames, routes or authenticates the request itself and cannot carry an identity"
        case .setByGateway: return "\(quoted(name)) is set by the gateway itself"
        case .unknownPlaceholder(let placeholder):
            let known = IdentityHeader.Placeholder.allCases.map(\.rawValue)
            return "unknown placeholder \(quoted("{" + placeholder + "}"))" + Suggestion.hint(for: placeholder, among: known)
        case .unknownEncoding(let encoding): return "unknown encoding \(quoted("|" + encoding)); there are |base64 and |raw"
        case .malformedBraces: return "\"{\" and \"}\" stand around a placeholder, as in {account}, and nowhere else"
        case .controlCharacter: return "a header's value has no control characters"
        case .badLength: return "a template has 1 to 1024 bytes"
        case .colon: return "a user of HTTP Basic has no \":\", which ends it"
        }
    }
}
