public import Bytes
internal import HTTP
public import Proxy

/// The demo's legacy application: it cannot log anybody in, and shows what the gateway in front of it says of who is asking.
///
/// `/echo` (or a path ending in it) answers any method with JSON: `{"method","target","headers":[[name,value],…],"body_length"}`. Every other path is the page.
public final class SampleApplication: Responder {
    private let issuer: String
    private let audience: String
    private let now: @Sendable () -> WallTime
    private let keys: @Sendable () async -> [UInt8]?

    /// `issuer` is the auth origin, `audience` the site's (`https://wiki.localhost:8443`); `keys` fetches the gateway's JWK set, nil where that fails.
    public init(issuer: String, audience: String, now: @escaping @Sendable () -> WallTime, keys: @escaping @Sendable () async -> [UInt8]?) {
        self.issuer = issuer
        self.audience = audience
        self.now = now
        self.keys = keys
    }

    public func respond(to request: OwnRequest) async -> OwnResponse {
        if request.path.hasSuffix("/echo") { return Self.echo(request) }
        guard request.path != "/favicon.ico" else { return SimulatorResponder.notFound }
        guard ["GET", "HEAD", "POST"].contains(request.method) else {
            return OwnResponse(status: 405, fields: [("Allow", "GET, HEAD, POST"), ("Content-Type", "text/plain")], body: Array("method not allowed\n".utf8))
        }
        let token = request.fields.text("X-Menwei-Assertion")
        let set = token == nil ? nil : await keys()
        let report = AssertionReport(token: token, keys: set, issuer: issuer, audience: audience, now: now().seconds)
        var random = SystemRandomNumberGenerator()
        let page = SamplePage(request: request, report: report, now: now().seconds, language: Language(request.fields.text("Accept-Language")))
        return page.page.response(nonce: SimulatedWorld.opaque(22, &random))
    }

    private static func echo(_ request: OwnRequest) -> OwnResponse {
        let headers = request.fields.entries.map { entry in
            JSON.strings([
                String(decoding: request.fields.name(entry), as: UTF8.self), String(decoding: request.fields.value(entry), as: UTF8.self),
            ])
        }
        let json = JSON.members([
            "method": .string(request.method), "target": .string(request.target), "headers": .array(headers), "body_length": .int(request.body.count),
        ])
        return OwnResponse(status: 200, fields: [("Content-Type", "application/json"), ("Cache-Control", "no-store")], body: json.bytes)
    }
}
