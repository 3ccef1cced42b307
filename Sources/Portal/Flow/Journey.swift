internal import Bytes
internal import Access
internal import HTTP

/// What a login carries along from address to address: where it leads, whose it is, and how often it was tried.
struct Journey: Equatable {
    /// Where the person wants to go: a checked absolute address on a configured origin.
    var returnTo: ReturnAddress
    /// Hex SHA-256 of the try cookie at the site's host. Nil: the way back leads over the site's own login.
    var bind: String?
    /// What the browser showed after `#`, percent-encoded, visible ASCII; empty where there was nothing.
    var fragment = ""
    /// 0…2: how often it was begun again by itself.
    var attempt = 0
    /// The key of a form that was sent when the session was over, and goes to the site after this login.
    var form: String?
    /// A page of the auth origin itself that the login was for; `returnTo` is then only what stands in where it is of no more use.
    var own: OwnPage?

    /// A login is begun again by itself that often; after that a page says what is wrong.
    static let lastAttempt = 2

    /// The parameters, for an address after `?`. The fragment is left out where the page's script adds it.
    var query: String {
        var text = "return=" + Percent.encodeQueryValue(returnTo.url)
        if let bind { text += "&bind=" + bind }
        if !fragment.isEmpty { text += "&fragment=" + Percent.encodeQueryValue(fragment) }
        if attempt > 0 { text += "&try=\(attempt)" }
        if let form { text += "&form=" + form }
        if let own { text += "&own=" + Percent.encodeQueryValue(own.path) }
        return text
    }

    init(returnTo: ReturnAddress, bind: String? = nil, fragment: String = "", attempt: Int = 0, form: String? = nil, own: OwnPage? = nil) {
        self.returnTo = returnTo
        self.bind = bind
        self.fragment = fragment
        self.attempt = attempt
        self.form = form
        self.own = own
    }

    /// What an address's parameters say. Of two fragments the last one counts: the page's script adds what only it can see behind what was known before.
    init(_ query: Query, returnTo: ReturnAddress) {
        self.init(
            returnTo: returnTo, bind: Self.bind(query.one("bind")), fragment: Self.fragment(query.all("fragment").last),
            attempt: Self.attempt(query.one("try")), form: Self.form(query.one("form")), own: OwnPage(query.one("own")))
    }

    /// The key of a kept form, else nil.
    static func form(_ text: String?) -> String? {
        guard let text, CookieValue.isWellFormed(Array(text.utf8)[...]) else { return nil }
        return text
    }

    /// 64 lower-case hex digits, else nil.
    static func bind(_ text: String?) -> String? {
        guard let text, text.utf8.count == 64, text.utf8.allSatisfy(isLowerHex) else { return nil }
        return text
    }

    /// Garbage counts as 0, more than the last as the last.
    static func attempt(_ text: String?) -> Int {
        guard let text, text.utf8.count == 1, let digit = Int(text), digit > 0 else { return 0 }
        return min(digit, lastAttempt)
    }

    /// A fragment as it may stand in a `Location`: visible ASCII, at most 2,048 bytes; anything else is percent-encoded or, too long, left out.
    static func fragment(_ text: String?) -> String {
        guard let text, text.utf8.count <= 2048 else { return "" }
        var out = ""
        for byte in text.utf8 {
            let isPlain = (0x21...0x7E).contains(byte) && !"\"<>\\^`{|}#".utf8.contains(byte)
            out += isPlain ? String(UnicodeScalar(byte)) : "%" + Hex.encode([byte]).uppercased()
        }
        return out.utf8.count <= 4096 ? out : ""
    }

    static func isLowerHex(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }
}
