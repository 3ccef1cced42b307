/// The two tickets that a page is signed with for WeCom's JS-SDK (developer document 90506): the corp's, and the app's.
public struct PageTickets: Sendable, Equatable {
    public var corp: Hidden
    public var app: Hidden

    public init(corp: Hidden, app: Hidden) {
        self.corp = corp
        self.app = app
    }
}

/// What the JS-SDK compares: the SHA-1 of this text, in lower-case hex, is the signature of a page.
public enum PageSignature {
    /// - Parameters:
    ///   - nonce: what the page passes on as `nonceStr`.
    ///   - timestamp: seconds since 1970.
    ///   - url: of the page as its browser shows it, without what stands after `#`.
    public static func text(ticket: Hidden, nonce: String, timestamp: Int64, url: String) -> String {
        "jsapi_ticket=\(ticket.text)&noncestr=\(nonce)&timestamp=\(timestamp)&url=\(url)"
    }
}
