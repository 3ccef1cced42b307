import Bytes
import Proxy

extension ConfigurationReader {
    func readListen(_ node: YAMLNode) -> ListenOptions? {
        let keys: [Key] = [
            "https", "http", "operations", "proxy_protocol_from", "trusted_proxies",
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
        options.trusted = TrustedPeers(
            proxyProtocol: readPeers(section, "proxy_protocol_from"), forwardedFor: readPeers(section, "trusted_proxies"))
        return options
    }

    /// What a reload cannot change.
    static func needsRestart(_ key: String, _ value: String) -> String {
        "\(quoted(key)) changes with a restart only; the gateway runs with \(quoted(path: value))"
    }

    /// Networks that say which address a client has.
    private func readPeers(_ section: Section, _ key: String) -> [IPNetwork] {
        let networks = readNetworks(section, key)
        for network in networks where network.description.hasSuffix("/0") {
            findings.warn(section.valueMark(key), "\(network) in \(quoted(key)): anybody may say which address they have; name your proxies")
        }
        return networks
    }

    /// A list of networks. A network that does not begin where it is written to is read as nginx reads it, and warned of.
    func readNetworks(_ section: Section, _ key: String) -> [IPNetwork] {
        section.list(key) { (node: YAMLNode) throws(Misread) -> IPNetwork in
            let text = try Read.text(node)
            guard let network = IPNetwork(text) else { throw Misread("expected a network such as 10.0.0.0/8 or 2001:db8::/32, this is \(quoted(text))") }
            if let address = IPAddress(String(text.prefix { $0 != "/" })), !network.begins(with: address) {
                findings.warn(node.mark, "\(text) is the network \(network)")
            }
            return network
        } ?? []
    }
}
