/// One line of `menwei doctor`. It holds nothing secret and no text of WeCom's but an app's name, a domain and an address.
public struct Finding: Equatable, Sendable {
    public enum Grade: String, Sendable {
        case ok
        /// Not known, or not wise.
        case warn
        /// Nobody, or not everybody who should, can log in until it is mended.
        case fail
    }
    public var grade: Grade
    /// The connection's id.
    public var connection: String
    /// What was looked at: one word.
    public var check: String
    /// What was found, and what to click.
    public var message: String

    public init(_ grade: Grade, _ connection: String, _ check: String, _ message: String) {
        self.grade = grade
        self.connection = connection
        self.check = check
        self.message = message
    }

    /// `ok|warn|fail CONNECTION CHECK: message`
    public var line: String { "\(grade.rawValue) \(connection) \(check): \(message)" }
}

/// What is wrong where no readable answer came, or one that says nothing of the connection.
enum CallTrouble {
    /// - Parameter endpoint: the address that was asked.
    static func text(_ error: WeComError, endpoint: String) -> String {
        let host = host(of: endpoint)
        switch error.kind {
        case .unreachable: return unreachable(error, host)
        case .badAnswer:
            return "\(host) answered \(error.api), but not as WeCom does: something stands between (a proxy, a portal that asks for a login), or endpoints.api is not the API's address"
        case .transient where error.errcode == nil: return "too many calls wait already"
        case .transient: return "\(host) does not take calls now (errcode \(error.errcode ?? 0)): wait a minute, and ask again"
        default: return refused(error)
        }
    }

    /// A code that has no words of ours.
    static func refused(_ error: WeComError) -> String {
        guard let code = error.errcode else { return "\(error.api) cannot be asked: the address in \"endpoints\" makes no URL" }
        return "\(error.api) was refused with errcode \(code); what it means: https://developer.work.weixin.qq.com/devtool/query?e=\(code)"
    }

    private static func unreachable(_ error: WeComError, _ host: String) -> String {
        // The numbers are libcurl's own (libcurl-errors(3)).
        switch (error.transport, error.transportCode) {
        case ("timeout", _):
            return "no answer from \(host) in time: let this machine out to it, or name the proxy that is needed in https_proxy of the service's environment"
        case ("tls", 60):
            return "the certificate that \(host) shows does not hold here: where a proxy opens TLS, add its authority to this machine's (update-ca-certificates)"
        case ("tls", _):
            return "no TLS with \(host) (curl \(error.transportCode ?? 0)): something between breaks it, or endpoints.api names a plain address as https"
        case (_, 5): return "the proxy in https_proxy of the environment has no address in DNS"
        case (_, 6): return "\(host) has no address in DNS: see to this machine's resolver, or to endpoints.api"
        case (_, 7): return "the connection to \(host), or to the proxy in https_proxy, was refused"
        case (_, 56), (_, 97):
            return "the connection to \(host) broke before an answer: a proxy that does not let this machine pass (407, 403)?"
        default: return "\(host) cannot be reached (curl \(error.transportCode ?? 0))"
        }
    }

    private static func host(of endpoint: String) -> String {
        guard let mark = endpoint.firstRange(of: "://")?.upperBound else { return endpoint }
        return String(endpoint[mark...].prefix { $0 != "/" && $0 != "?" && $0 != "#" })
    }
}
