public import HTTP

/// Marks that scripts of other origins cannot forge: browsers alone write `Origin` and `Sec-Fetch-*`.
public enum BrowserMarks {
    /// A CORS preflight: OPTIONS with `Origin` and `Access-Control-Request-Method`, without a body. It passes without session and identity.
    public static func isPreflight(_ head: RequestHead) -> Bool {
        head.method == .options && head.body == .none && head.fields.count(.origin) == 1 && head.fields.count(.accessControlRequestMethod) == 1
    }

    /// Whether the answer is to be shown inside another page.
    public static func isFrame(_ fields: Fields) -> Bool {
        guard let dest = fields.first(.secFetchDest) else { return false }
        return ["iframe", "frame", "object", "embed"].contains { same(fields.value(dest), $0) }
    }

    /// Whether what changes something came from a page of `origin` itself: `Origin` says so, or where there is none, `Sec-Fetch-Site`.
    /// Without either mark, and with a mark twice, it did not.
    public static func isSameOrigin(_ fields: Fields, _ origin: Origin) -> Bool {
        switch fields.count(.origin) {
        case 0:
            guard fields.count(.secFetchSite) == 1, let site = fields.first(.secFetchSite) else { return false }
            return same(fields.value(site), "same-origin")
        case 1: return fields.first(.origin).map { fields.value($0).elementsEqual(origin.text.utf8) } ?? false
        default: return false
        }
    }

    /// Whether a form was sent by a page of `origin` itself: `Sec-Fetch-Site` says so, or where there is none `Origin`, or where there is neither the
    /// `Referer`. `Sec-Fetch-Site` goes first because pages that send no `Referer` send `Origin: null` with their own forms. A mark that is there twice
    /// says nothing.
    public static func isOwnForm(_ fields: Fields, of origin: Origin) -> Bool {
        func value(_ name: KnownField) -> ArraySlice<UInt8>? {
            fields.count(name) == 1 ? fields.first(name).map { fields.value($0) } : nil
        }
        if fields.count(.secFetchSite) > 0 { return value(.secFetchSite).map { same($0, "same-origin") } ?? false }
        if fields.count(.origin) > 0 { return value(.origin).map { $0.elementsEqual(origin.text.utf8) } ?? false }
        return value(.referer).map { $0.starts(with: (origin.text + "/").utf8) } ?? false
    }

    /// Whether a WebSocket may be opened (RFC 6455 section 10.2): its `Origin` is the site's or trusted, or there is none (no browser).
    /// - Parameter trusted: origins as browsers write them.
    public static func mayOpenWebSocket(_ fields: Fields, _ origin: Origin, trusted: [String]) -> Bool {
        switch fields.count(.origin) {
        case 0: return true
        case 1:
            guard let entry = fields.first(.origin) else { return false }
            let value = fields.value(entry)
            return same(value, origin.text) || trusted.contains { same(value, $0) }
        default: return false
        }
    }
}
