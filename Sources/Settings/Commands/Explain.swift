import Access
import Bytes
import HTTP
import Proxy
import WeCom

extension ExplainRequest {
    /// The whole command: reads the configuration and judges. A configuration with faults explains nothing: its messages, 2.
    public func outcome(hooks: LoadHooks) -> CommandOutcome {
        let result = Configuration.load(file: config, hooks: hooks)
        guard let configuration = result.configuration else { return CommandOutcome(errors: result.messages, status: 2) }
        return Explain(configuration).outcome(self)
    }
}

/// `menwei explain`: judges a request as the gateway would, asking nobody.
public struct Explain: Sendable {
    let configuration: Configuration

    public init(_ configuration: Configuration) {
        self.configuration = configuration
    }

    /// Four lines and their exit status; 2 where the question itself is wrong.
    public func outcome(_ request: ExplainRequest) -> CommandOutcome {
        do throws(UsageFault) {
            let member = try member(request)
            let explanation = explain(request, member.map { subject($0, request) })
            return CommandOutcome(output: explanation.lines, status: explanation.exitStatus)
        } catch {
            return CommandOutcome(errors: ["menwei explain: " + error.message], status: 2)
        }
    }

    // MARK: who asks

    private func member(_ request: ExplainRequest) throws(UsageFault) -> Member? {
        guard let user = request.user else { return nil }
        let connections = configuration.connections
        if let id = request.connection {
            guard let connection = connections.first(where: { $0.id == id }) else {
                throw UsageFault(message: "there is no connection \(quoted(id))" + Suggestion.hint(for: id, among: connections.map(\.id)))
            }
            return Self.member(user, of: connection)
        }
        // An account as it stands in rules: `sub/lisi`.
        if let slash = user.firstIndex(of: "/"), let connection = connections.first(where: { !$0.plainNames && $0.id == user[..<slash].lowercased() }) {
            return Self.member(String(user[user.index(after: slash)...]), of: connection)
        }
        guard let connection = connections.first(where: \.plainNames) ?? (connections.count == 1 ? connections.first : nil) else {
            throw UsageFault(message: "--connection is needed: no connection has plain_names")
        }
        return Self.member(user, of: connection)
    }

    /// What is not given does not exist: no time, no age of the login.
    private func subject(_ member: Member, _ request: ExplainRequest) -> Subject {
        var member = member
        (member.departments, member.tags) = (request.departments, request.tags)
        let authTime = request.age.map { (request.at ?? Self.noTime).advanced(by: .zero - $0) }
        return Subject(member, authTime: authTime)
    }

    private func circumstances(_ request: ExplainRequest) -> Circumstances {
        Circumstances(client: request.address, now: request.at, began: request.at ?? Self.noTime)
    }

    /// From which an age is counted where no time is given.
    private static let noTime = WallTime(milliseconds: 0)

    private static func member(_ user: String, of connection: ConnectionOptions) -> Member {
        let account = connection.plainNames ? user : connection.id + "/" + user
        return Member(connection: connection.id, corp: connection.corp, user: user, account: account)
    }

    // MARK: what is asked

    private func explain(_ request: ExplainRequest, _ subject: Subject?) -> Explanation {
        let method = Array(request.method.utf8)
        guard let known = Method(token: method.span) else { return .malformed(code: "method") }
        // What the gateway refuses whoever asks.
        guard known != .trace, known != .connect else { return .malformed(code: "method-not-allowed") }
        guard let url = AskedURL(request.url) else { return .malformed(code: "url") }
        guard url.isHTTPS else { return .noSuchSite("http is only redirected to https") }
        do throws(ProtocolFault) {
            switch try SiteFinder(configuration).place(authority: url.authority[...], target: url.target, RuleMethod(token: request.method)) {
            case .noOrigin(let name): return .noSuchSite("\(name ?? "the host") is none of the configured origins")
            case .noSite: return .noSuchSite()
            case .own: return .own()
            case .rule(let site, let policy, let rule):
                return Explanation(
                    site: site.id, policy: policy, enforcement: site.enforcement, rule: rule, subject: subject, circumstances(request))
            }
        } catch {
            return .malformed(code: error.code.rawValue)
        }
    }
}

/// A URL as a client would take it apart before it sends the request. Nothing is made well that is not.
struct AskedURL {
    var isHTTPS: Bool
    var authority: [UInt8]
    /// Path and query, `/` where there is no path; without fragment, which no client sends.
    var target: [UInt8]

    init?(_ text: String) {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), text[colon...].utf8.starts(with: "://".utf8) else { return nil }
        let scheme = text[..<colon].lowercased()
        guard scheme == "https" || scheme == "http" else { return nil }
        let rest = Array(text[colon...].utf8.dropFirst(3)).prefix { $0 != UInt8(ascii: "#") }
        let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
        isHTTPS = scheme == "https"
        authority = Array(rest[..<end])
        target = Array(rest[end...])
        if target.first != UInt8(ascii: "/") { target.insert(UInt8(ascii: "/"), at: 0) }
        // 414 before anything is asked (README, *What clients receive*).
        guard target.count <= 16 << 10, !authority.isEmpty else { return nil }
    }
}
