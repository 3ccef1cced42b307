extension ConfigurationReader {
    func readListen(_ node: YAMLNode) -> ListenOptions? {
        let keys: [Key] = [
            "https", "http", "operations", .later("proxy_protocol_from", off: .emptyList), .later("trusted_proxies", off: .emptyList),
            .later("forward_auth_from", off: .emptyList),
        ]
        guard let section = Section(node, "\"listen\"", keys: keys, findings) else { return nil }
        var options = ListenOptions()
        var seen: [ListenAddress: Int] = [:]
        let once: Section.Reader<ListenAddress> = { (node: YAMLNode) throws(Misread) -> ListenAddress in
            let address = try Read.address(node)
            if let line = seen[address] { throw Misread("the address \(address.text) is taken in line \(line) already") }
            seen[address] = node.mark.line
            return address
        }
        if section.requires("https"), let addresses = section.list("https", once) {
            options.https = addresses
            if case .sequence(let items)? = section.node("https")?.content, items.isEmpty { findings.fault(section.valueMark("https"), "\"https\" needs at least one address") }
        }
        options.http = section.list("http", once) ?? []
        options.operations = section.value("operations", once) ?? options.operations
        if !section.has("operations"), let line = seen[options.operations] {
            findings.fault(Mark(line: line, column: 1), "the address \(options.operations.text) is that of \"operations\" by default; set it to another")
        }
        return options
    }
}
