/// Host names as configured.
enum HostText {
    /// What is wrong with `host` (lower case, no port), or nil.
    static func problem(_ host: String) -> String? {
        let bytes = Array(host.utf8)
        if bytes.isEmpty { return "the host is missing" }
        if bytes.contains(where: { $0 >= 0x80 }) { return "write the host in its ASCII form (punycode, \"xn--…\")" }
        if host.hasPrefix("[") { return "an IPv6 address cannot stand here; use a name" }
        if host.hasSuffix(".") { return "the host ends with a dot" }
        guard bytes.count <= 253 else { return "the host is longer than 253 characters" }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        for label in labels {
            guard !label.isEmpty else { return "the host has an empty label" }
            guard label.utf8.count <= 63 else { return "a label of the host is longer than 63 characters" }
            guard label.utf8.allSatisfy({ ASCII.isAlphanumeric($0) || $0 == 0x2D || $0 == 0x5F }) else { return "the host has a character that no host has" }
            guard !label.hasPrefix("-"), !label.hasSuffix("-") else { return "a label of the host begins or ends with \"-\"" }
        }
        // Browsers read a host whose last label is a number as an IPv4 address.
        if labels.last?.utf8.allSatisfy(ASCII.isDigit) == true, !IPText.isIPv4(host) { return "the host is neither a name nor an IPv4 address" }
        return nil
    }
}
