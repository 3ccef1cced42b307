public import HTTP

/// Who is asking: somebody who can be shown a page, or a program (README, *What clients receive*).
public enum Audience: Sendable {
    /// A GET or HEAD that may show a page.
    case navigation
    case call

    /// Reads the marks of a request head, the most telling first.
    public static func classify(_ head: RequestHead) -> Audience {
        guard head.method == .get || head.method == .head, !head.isWebSocket else { return .call }
        return showsPage(head.fields) ? .navigation : .call
    }

    /// Whether this is a form that a person sent from a page: a POST with the marks of a navigation and a form's content type.
    public static func isFormPost(_ head: RequestHead) -> Bool {
        guard head.method == .post, head.fields.count(.contentType) == 1, let type = head.fields.first(.contentType) else { return false }
        let value = head.fields.value(type)
        let isForm = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"].contains { hasMediaType(value, $0) }
        return isForm && showsPage(head.fields)
    }

    /// What the fields alone say, whatever the method.
    static func showsPage(_ fields: Fields) -> Bool {
        if let mode = fields.first(.secFetchMode) {
            return fields.count(.secFetchMode) == 1 && (same(fields.value(mode), "navigate") || same(fields.value(mode), "nested-navigate"))
        }
        if let dest = fields.first(.secFetchDest) {
            return fields.count(.secFetchDest) == 1 && ["document", "iframe", "frame", "object", "embed"].contains { same(fields.value(dest), $0) }
        }
        // Android's WebView marks navigations with the name of its app (`com.tencent.wework`); scripts say `XMLHttpRequest` or a word of their own.
        if let mark = fields.first(.xRequestedWith), !fields.value(mark).contains(0x2E) { return false }
        if fields.first(.upgrade) != nil { return false }
        if let type = fields.first(.contentType), hasPrefix(fields.value(type), "application/grpc") { return false }
        return fields.entries.contains { $0.known == .accept && namesHTML(fields.value($0)) }
    }

    /// Whether an `Accept` value has an item `text/html` whose weight is not 0.
    static func namesHTML(_ value: ArraySlice<UInt8>) -> Bool {
        value.split(separator: 0x2C).contains { item in
            guard hasMediaType(trim(item), "text/html") else { return false }
            return !item.split(separator: 0x3B).dropFirst().contains { parameter in
                let text = trim(parameter)
                guard hasPrefix(text, "q=") else { return false }
                return text.dropFirst(2).allSatisfy { $0 == 0x30 || $0 == 0x2E }
            }
        }
    }
}
