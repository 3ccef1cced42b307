public import HTTP

/// Maps an upstream's own name in its answers back to the site's, where it was asked under another `Host` than the client's
/// (README, *Configure*, `host_header`).
public struct HostMapping: Sendable {
    /// The authority that the upstream was asked under, lower case, without a default port; its host alone; what stands for both outside.
    private let authority: [UInt8]
    private let host: [UInt8]
    private let origin: Origin

    /// - Parameter sent: the value of `Host` that the upstream gets.
    public init(sent: String, origin: Origin) {
        let bytes = sent.utf8.map { lowercase($0) }
        authority = Array(Self.withoutDefaultPort(bytes[...]))
        host = Array(Self.split(bytes[...]).host)
        self.origin = origin
    }

    /// A `Location` that names the upstream, with the site's origin instead; nil where it stays as it is.
    public func location(_ value: ArraySlice<UInt8>) -> [UInt8]? {
        var rest = value
        if rest.first != 0x2F {
            guard let colon = rest.firstIndex(of: 0x3A) else { return nil }
            guard same(rest[..<colon], "http") || same(rest[..<colon], "https") else { return nil }
            rest = rest[(colon + 1)...]
        }
        guard rest.starts(with: "//".utf8) else { return nil }
        rest = rest.dropFirst(2)
        let end = rest.firstIndex { $0 == 0x2F || $0 == 0x3F || $0 == 0x23 } ?? rest.endIndex
        guard Self.withoutDefaultPort(rest[..<end]).map({ lowercase($0) }) == authority else { return nil }
        return Array(origin.text.utf8) + rest[end...]
    }

    /// A `Set-Cookie` whose `Domain` is the upstream's host, with the site's host there; nil where it stays as it is.
    public func cookie(_ value: ArraySlice<UInt8>) -> [UInt8]? {
        var isMapped = false
        let parts = value.split(separator: 0x3B, omittingEmptySubsequences: false).enumerated().map { index, part -> [UInt8] in
            guard index > 0, let mark = part.firstIndex(of: 0x3D), same(trim(part[..<mark]), "domain") else { return Array(part) }
            let domain = trim(part[(mark + 1)...])
            guard (domain.first == 0x2E ? domain.dropFirst() : domain).map({ lowercase($0) }) == host else { return Array(part) }
            isMapped = true
            return Array(part[...mark]) + origin.host.utf8
        }
        return isMapped ? Array(parts.joined(separator: ";".utf8)) : nil
    }

    /// `:80` and `:443` say nothing: which of them is meant depends on a scheme that the upstream may not know itself.
    private static func withoutDefaultPort(_ authority: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let (host, port) = split(authority)
        return port.elementsEqual("80".utf8) || port.elementsEqual("443".utf8) || port.isEmpty ? host : authority
    }

    private static func split(_ authority: ArraySlice<UInt8>) -> (host: ArraySlice<UInt8>, port: ArraySlice<UInt8>) {
        guard let colon = authority.lastIndex(of: 0x3A), !authority[colon...].contains(0x5D) else { return (authority, []) }
        return (authority[..<colon], authority[(colon + 1)...])
    }
}
