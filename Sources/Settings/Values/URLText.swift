import HTTP

/// `scheme://authority` and the rest, taken apart for origins, upstreams and endpoints.
struct URLText {
    var scheme: String
    var host: String
    var port: UInt16?
    /// From the first `/`, `?` or `#` after the authority on.
    var rest: String

    /// `example` is for messages.
    init(_ text: String, example: String) throws(Misread) {
        func wrong(_ why: String) -> Misread { Misread("expected \(example), this is \(quoted(text)): \(why)") }
        guard let separator = text.utf8.firstIndex(of: UInt8(ascii: ":")), text[separator...].hasPrefix("://") else {
            throw wrong("there is no \"https://\" or the like before the host")
        }
        scheme = text[..<separator].lowercased()
        let after = text[separator...].dropFirst(3)
        let end = after.utf8.firstIndex { "/?#\\".utf8.contains($0) } ?? after.endIndex
        let authority = after[..<end]
        rest = String(after[end...])
        guard !authority.utf8.contains(UInt8(ascii: "@")) else { throw wrong("user names and passwords cannot stand here") }
        let portStart: Substring.Index?
        if authority.hasPrefix("[") {
            guard let close = authority.utf8.firstIndex(of: UInt8(ascii: "]")) else { throw wrong("the bracket is not closed") }
            let tail = authority[authority.utf8.index(after: close)...]
            guard tail.isEmpty || tail.hasPrefix(":") else { throw wrong("only a port can follow the bracket") }
            portStart = tail.isEmpty ? nil : tail.startIndex
        } else {
            portStart = authority.utf8.firstIndex(of: UInt8(ascii: ":"))
        }
        host = authority[..<(portStart ?? authority.endIndex)].lowercased()
        port = nil
        if let portStart {
            guard let number = PortText.parse(authority[authority.utf8.index(after: portStart)...]) else {
                throw wrong("the port must be a number from 1 to 65535")
            }
            port = number
        }
    }
}

extension Read {
    /// An https origin; the host is folded to lower case.
    static func origin(_ node: YAMLNode) throws(Misread) -> Origin {
        let example = "an origin such as https://wiki.corp.example"
        let text = try scalar(node, example).text
        let url = try URLText(text, example: example)
        func wrong(_ why: String) -> Misread { Misread("expected \(example), this is \(quoted(text)): \(why)") }
        guard url.scheme == "https" else { throw wrong("only https is served") }
        if let problem = HostText.problem(url.host) { throw wrong(problem) }
        guard url.rest.isEmpty else { throw wrong("an origin ends after host and port") }
        return Origin(host: url.host, port: url.port ?? 443)
    }

    /// An absolute http or https URL without query and fragment, no `/` at its end.
    static func endpoint(_ node: YAMLNode) throws(Misread) -> String {
        let example = "an address such as https://qyapi.weixin.qq.com"
        let text = try scalar(node, example).text
        let url = try URLText(text, example: example)
        func wrong(_ why: String) -> Misread { Misread("expected \(example), this is \(quoted(text)): \(why)") }
        guard url.scheme == "https" || url.scheme == "http" else { throw wrong("the scheme must be https") }
        if url.host.hasPrefix("[") {
            guard IPText.isIPv6(String(url.host.dropFirst().dropLast())) else { throw wrong("this is no IPv6 address") }
        } else if let problem = HostText.problem(url.host) {
            throw wrong(problem)
        }
        guard text.utf8.allSatisfy({ ASCII.isVisible($0) && !"?#\\\"<>".utf8.contains($0) }) else { throw wrong("it can have no query, fragment or blank") }
        var trimmed = Substring(text)
        while trimmed.hasSuffix("/") { trimmed = trimmed.dropLast() }
        return String(trimmed)
    }

    /// A `Host` value: `name` or `name:port`.
    static func authority(_ text: String) throws(Misread) -> String {
        let example = "\"keep\", \"upstream\" or a host such as wiki.internal:8080"
        let url = try URLText("http://" + text, example: example)
        if let problem = HostText.problem(url.host) { throw Misread("expected \(example), this is \(quoted(text)): \(problem)") }
        guard url.rest.isEmpty else { throw Misread("expected \(example), this is \(quoted(text))") }
        return text
    }
}
