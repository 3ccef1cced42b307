internal import Access
internal import Bytes
internal import Crypto
internal import HTTP
internal import Proxy
internal import WeCom

/// A request, with what the portal derives of it once.
struct Asked {
    let request: OwnRequest
    /// The configured origin that was asked.
    let origin: Origin
    let query: Query
    let language: Language
    let client: ClientKind
    let now: WallTime
    let isAuth: Bool
    let isSite: Bool

    init(_ request: OwnRequest, origin: Origin, options: PortalOptions) {
        self.request = request
        self.origin = origin
        query = Query(request.query)
        language = Language(acceptLanguage: request.fields.text(.acceptLanguage))
        client = ClientKind(userAgent: userAgent(request))
        now = options.now()
        isAuth = origin == options.authOrigin
        isSite = options.isSite(origin)
    }

    var audience: Audience { Audience.classify(request.head) }
    var requestID: String { request.requestID }
    /// The browser's User-Agent, as it came.
    var agent: String { userAgent(request) }

    /// Loaded into a frame of another page (`Sec-Fetch-Dest`).
    var isFramed: Bool { BrowserMarks.isFrame(request.fields) }

    /// The value of our cookie of that name, if it came once and is one that we could have made: 43 characters of base64url.
    func cookie(_ name: StaticString) -> String? {
        let values = Cookies.values(named: name, in: request.fields)
        guard values.count == 1, let value = values.first, CookieValue.isWellFormed(value) else { return nil }
        return String(decoding: value, as: UTF8.self)
    }
}

extension OwnRequest {
    /// As much of a request head as judging the audience takes.
    var head: RequestHead {
        var head = RequestHead()
        head.method = method == "GET" ? .get : method == "HEAD" ? .head : method == "POST" ? .post : .other
        head.fields = fields
        return head
    }
}

private func userAgent(_ request: OwnRequest) -> String { request.fields.text(.userAgent) ?? "" }

/// Hex SHA-256 of a text, as `bind` has it.
func fingerprint(_ text: String) -> String { Hex.encode(Digest.sha256(text).bytes) }
