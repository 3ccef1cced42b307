import Bytes

/// Builds a URL out of a configured endpoint, which may already have a query (private deployments) or a stray fragment.
struct EndpointURL {
    private var path: String
    private var items: [String]

    /// - Parameter endpoint: an absolute URL as configured; a fragment in it is dropped, since ours must be the last part.
    init(_ endpoint: String) {
        let whole = endpoint.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)[0]
        let parts = whole.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(parts[0])
        items = parts.count > 1 ? parts[1].split(separator: "&").map(String.init) : []
    }

    /// Goes `steps` (`/cgi-bin/gettoken`) further down from the path.
    mutating func descend(_ steps: String) {
        while path.hasSuffix("/") { path.removeLast() }
        path += steps
    }

    /// Adds a parameter; the value is percent-encoded here, once.
    mutating func add(_ name: String, _ value: String) {
        items.append(name + "=" + Percent.encodeQueryValue(value))
    }

    func text(fragment: String? = nil) -> String {
        path + (items.isEmpty ? "" : "?" + items.joined(separator: "&")) + (fragment.map { "#" + $0 } ?? "")
    }
}
