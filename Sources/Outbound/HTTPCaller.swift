/// Makes HTTP calls to others. A protocol, so that tests need no network.
public protocol HTTPCaller: Sendable {
    /// Makes one call; returns whatever status the server answers with. No redirect is followed and nothing is repeated.
    func call(_ request: OutboundRequest) async throws(OutboundFailure) -> OutboundResponse
}

/// A call to make. Its URL and body may hold secrets, so no description shows more than the method.
public struct OutboundRequest: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
    }
    public var method: Method
    /// Absolute, `https` or `http`, encoded.
    public var url: String
    /// For POST.
    public var body: [UInt8]
    public var contentType = "application/json"
    /// From now to the last byte of the answer; at least 1 ms.
    public var timeout: Duration
    /// For name lookup, connecting and TLS, within `timeout`.
    public var connectTimeout = Duration.seconds(3)
    /// `ADDRESS:PORT` to connect to, whatever the URL's host leads to; certificate and Host are still the URL's.
    public var connectTo: String?

    public init(method: Method = .get, url: String, body: [UInt8] = [], timeout: Duration) {
        self.method = method
        self.url = url
        self.body = body
        self.timeout = timeout
    }

    public var description: String { "\(method.rawValue) (hidden)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["method": method]) }
}

public struct OutboundResponse: Sendable {
    /// The HTTP status, 200–599.
    public var status: Int
    /// At most `CurlCaller.Options.bodyLimit` bytes.
    public var body: [UInt8]

    public init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = body
    }
}

/// Why there is no answer. Holds no address and no text of the other side.
public struct OutboundFailure: Error, Equatable, Sendable {
    public enum Reason: String, Sendable {
        case timeout
        /// No such name, no connection, or a connection that broke.
        case unreachable
        /// No TLS, or a certificate that does not hold.
        case tls
        /// The body or the header of the answer is larger than allowed.
        case tooLarge
        /// The answer is not HTTP.
        case malformed
        /// The request cannot be made: not a URL, or a scheme other than http and https.
        case badRequest
        /// More calls are waiting than allowed.
        case overloaded
        /// The caller was closed.
        case aborted
    }
    public var reason: Reason
    /// libcurl's own number (`CURLcode`), for the administrator; 0 where it was not asked.
    public var code: Int

    public init(_ reason: Reason, code: Int = 0) {
        self.reason = reason
        self.code = code
    }
}
