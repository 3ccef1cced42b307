/// A call to WeCom's server API, or WeChat's, that somebody else is to make. Its URL holds the secret or the access token, hence no description shows it.
public struct APICall: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
    }
    /// The path under `/cgi-bin/`, for metrics and records: `gettoken`, `auth/getuserinfo`, `user/get`; WeChat's whole: `sns/userinfo`.
    public var api: String
    public var method: Method
    public var url: String
    /// JSON; nil for GET.
    public var body: [UInt8]?
    /// For the whole call, connecting included.
    public var timeout: Duration

    public init(api: String, method: Method, url: String, body: [UInt8]? = nil, timeout: Duration) {
        self.api = api
        self.method = method
        self.url = url
        self.body = body
        self.timeout = timeout
    }

    public var description: String { "\(method.rawValue) \(api)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["api": api]) }
}

/// WeCom's answer to an `APICall`.
public struct APIAnswer: Sendable {
    /// The HTTP status.
    public var status: Int
    public var body: [UInt8]

    public init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = body
    }
}

/// A secret text that no description, mirror or interpolation shows.
public struct Hidden: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The text itself, for the one place that needs it.
    public let text: String
    public init(_ text: String) { self.text = text }
    public var description: String { "(hidden)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
