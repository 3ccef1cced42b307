extension ConfigurationReader {
    func readListen(_ node: YAMLNode) -> ListenOptions? {
        let keys: [Key] = [
            "https", "http", "operations", .later("proxy_protocol_from", off: .emptyList), .later("trusted_proxies", off: .emptyList),
            .later("forward_auth_from", off: .emptyList),
        ]
        guard let section = Section(node, "\"listen\"", keys: keys, findings) else { return nil }
        var options = ListenOptions()
        var seen: [ListenAddress: Mark] = [:]
        let once: Section.Reader<ListenAddress> = { (node: YAMLNode) throws(Misread) -> ListenAddress in
            let address = try Read.address(node)
            if let mark = seen[address] { throw Misread("the address \(address.text) is taken in line \(mark.line) already") }
            seen[address] = node.mark
            return address
        }
        if section.requires("https"), let addresses = section.list("https", once) {
            options.https = addresses
            if case .sequence(let items)? = section.node("https")?.content, items.isEmpty { findings.fault(section.valueMark("https"), "\"https\" needs at least one address") }
        }
        options.http = section.list("http", once) ?? []
        options.operations = section.value("operations", once) ?? options.operations
        if !section.has("operations"), let mark = seen[options.operations] {
            findings.fault(Mark(line: mark.line, column: 1), "the address \(options.operations.text) is that of \"operations\" by default; set it to another")
        }
        if let running = hooks.running, running.listen.operations != options.operations {
            findings.fault(section.valueMark("operations"), Self.needsRestart("listen.operations", running.listen.operations.text))
        }
        options.places = seen.mapValues { Fault(file: findings.file, line: $0.line, column: $0.column, message: "") }
        return options
    }

    /// What a reload cannot change.
    static func needsRestart(_ key: String, _ value: String) -> String {
        "\(quoted(key)) changes with a restart only; the gateway runs with \(quoted(path: value))"
    }
}
