import HTTP
import Proxy

extension ConfigurationReader {
    /// `http://`, `https://`, `h2c://` with a host, or `unix:` with a path.
    func readUpstream(_ node: YAMLNode) throws(Misread) -> UpstreamAddress {
        let example = "an upstream such as http://127.0.0.1:8080"
        let text = try Read.scalar(node, example).text
        if text.lowercased().hasPrefix("unix:") { return try readUnixUpstream(text) }
        let url = try URLText(text, example: example)
        func wrong(_ why: String) -> Misread { Misread("expected \(example), this is \(quoted(text)): \(why)") }
        let scheme: UpstreamAddress.Scheme
        switch url.scheme {
        case "http": scheme = .http
        case "https": scheme = .https
        case "h2c": scheme = .h2c
        default: throw wrong("the scheme must be http, https, h2c or unix")
        }
        guard url.rest.isEmpty || url.rest == "/" else { throw wrong("an upstream has no path; requests keep their own") }
        var host = url.host
        if host.hasPrefix("[") {
            host = String(host.dropFirst().dropLast())
            guard IPText.isIPv6(host) else { throw wrong("this is no IPv6 address") }
        } else if let problem = HostText.problem(host) {
            throw wrong(problem)
        }
        return UpstreamAddress(scheme: scheme, host: host, port: url.port ?? (scheme == .https ? 443 : 80), text: text)
    }

    /// A socket need not exist yet: the upstream may start later.
    private func readUnixUpstream(_ text: String) throws(Misread) -> UpstreamAddress {
        let path = text.dropFirst("unix:".count)
        guard !path.isEmpty, !path.hasPrefix("//") else { throw Misread("expected a path such as unix:/run/app.sock, this is \(quoted(text))") }
        let resolved = paths.resolve(String(path))
        guard resolved.utf8.count <= 107 else { throw Misread("the path \(quoted(path: resolved)) is too long for a socket: 107 bytes at the most") }
        return UpstreamAddress(scheme: .unix, host: resolved, port: 0, text: text)
    }
}
