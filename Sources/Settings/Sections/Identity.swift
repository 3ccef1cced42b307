import Access

/// `identity`: what a site's upstream is told of who asks.
extension ConfigurationReader {
    func readIdentity(_ node: YAMLNode, into part: inout SitePart) {
        guard let section = Section(node, "\"identity\"", keys: ["headers", "basic", "signature"], findings) else { return }
        if let headers = section.node("headers") { part.headers = readHeaders(headers) }
        if let basic = section.node("basic") { part.basic = readBasic(basic) }
        part.signsRequests = section.value("signature", Read.word(["none", "rfc9421"], key: "signature")).map { $0 == "rfc9421" }
    }

    /// The entries of `identity.headers`: first those that remove one, for a mapping has no order, then the others in the order of the file.
    private func readHeaders(_ node: YAMLNode) -> [HeaderEntry] {
        guard case .mapping(let entries) = node.content else {
            findings.fault(node.mark, "\"headers\" must be a mapping of names to templates, this is \(node.kindName)")
            return []
        }
        let read = entries.compactMap(readHeader), added = read.filter { $0.header != nil }
        for (index, entry) in added.enumerated() {
            if let twin = added[..<index].first(where: { $0.name.lowercased() == entry.name.lowercased() }) {
                findings.fault(entry.mark, "\(quoted(entry.name)) and \(quoted(twin.name)) are the same header; remove one")
            }
        }
        return read.filter { $0.header == nil } + added
    }

    private func readHeader(_ entry: YAMLNode.Entry) -> HeaderEntry? {
        do throws(IdentityHeaderFault) {
            guard !entry.value.isNull else {
                try IdentityHeader.check(name: entry.key)
                return HeaderEntry(name: entry.key, mark: entry.keyMark, header: nil)
            }
            guard let template = Section.read(entry.value, Read.text, findings) else { return nil }
            return HeaderEntry(name: entry.key, mark: entry.keyMark, header: try IdentityHeader(name: entry.key, template: template))
        } catch {
            findings.fault(error.isOfName ? entry.keyMark : entry.value.mark, error.message(name: entry.key))
            return nil
        }
    }

    /// Nil where it is null, or faulty (which is reported).
    private func readBasic(_ node: YAMLNode) -> BasicCredentials? {
        if node.isNull { return nil }
        guard let section = Section(node, "\"basic\"", keys: ["user", "password"], findings) else { return nil }
        let user = section.required("user", Read.text)
        let password = section.required("password", SecretReader(paths: paths, environment: hooks.environment, findings: findings).read)
        guard let user, let password else { return nil }
        guard password.utf8.count <= Self.longestPassword else {
            findings.fault(section.valueMark("password"), "a password of HTTP Basic has at most \(Self.longestPassword) bytes")
            return nil
        }
        do throws(IdentityHeaderFault) {
            return try BasicCredentials(user: user, password: password)
        } catch {
            findings.fault(section.valueMark("user"), error.message(name: "Authorization"))
            return nil
        }
    }

    /// More would not fit into the head that many applications take.
    private static let longestPassword = 1024
}
