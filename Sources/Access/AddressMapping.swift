public import HTTP

/// Maps what an upstream's answers say of its own address back to the site's: where it was asked under another `Host` than the client's
/// (`host_header`), and where the site's `path` was taken off before it was asked (`strip_path`). See README, *Configure*.
public struct AddressMapping: Sendable {
    /// The authorities that stand for the site in answers, lower case, without a default port.
    private let authorities: [[UInt8]]
    /// The hosts of those that are not the site's own.
    private let hosts: [[UInt8]]
    private let origin: Origin
    /// What is put before paths, percent-encoded: `/wiki`; empty: nothing.
    private let prefix: [UInt8]

    /// - Parameters:
    ///   - names: under which the upstream may speak of itself: the `Host` that it gets, its own address.
    ///   - prefix: what was taken off the path, percent-encoded, without `/` at its end; empty: nothing was.
    public init(names: [String], origin: Origin, prefix: String = "") {
        let names = names.map { $0.utf8.map { lowercase($0) } }
        // Of an application that keeps the host it was asked under, only the path has to be mapped.
        let own = prefix.isEmpty ? [] : [origin.text.dropFirst("https://".count).utf8.map { lowercase($0) }]
        authorities = (names + own).map { Array(Self.withoutDefaultPort($0[...])) }
        hosts = names.map { Array(Self.split($0[...]).host) }
        self.origin = origin
        self.prefix = Array(prefix.utf8)
    }

    /// A `Location` or `Content-Location` as the client must see it; nil where it stays as it is. Relative references stay: they lead on from
    /// the address that the client asked.
    public func location(_ value: ArraySlice<UInt8>) -> [UInt8]? {
        var rest = value
        if rest.first != 0x2F {
            guard let colon = rest.firstIndex(of: 0x3A) else { return nil }
            guard same(rest[..<colon], "http") || same(rest[..<colon], "https") else { return nil }
            rest = rest[(colon + 1)...]
        }
        guard rest.starts(with: "//".utf8) else {
            if rest.startIndex != value.startIndex || prefix.isEmpty || isUnderPrefix(rest) { return nil }
            return prefix + rest
        }
        rest = rest.dropFirst(2)
        let end = rest.firstIndex { $0 == 0x2F || $0 == 0x3F || $0 == 0x23 } ?? rest.endIndex
        let authority = Self.withoutDefaultPort(rest[..<end]).map { lowercase($0) }
        guard authorities.contains(authority) else { return nil }
        return Array(origin.text.utf8) + (isUnderPrefix(rest[end...]) ? [] : prefix) + rest[end...]
    }

    /// A `Refresh` (`5; url=/a`), which old applications use for what `Location` is for; nil where it stays as it is.
    public func refresh(_ value: ArraySlice<UInt8>) -> [UInt8]? {
        guard var at = value.firstIndex(where: { $0 == 0x3B || $0 == 0x2C }) else { return nil }
        func skipBlanks() { while at < value.endIndex, value[at] == 0x20 || value[at] == 0x09 { at += 1 } }
        at += 1
        skipBlanks()
        if value.endIndex - at > 3, same(value[at..<at + 3], "url") {
            let word = at
            at += 3
            skipBlanks()
            if at < value.endIndex, value[at] == 0x3D { at += 1 } else { at = word }
            skipBlanks()
        }
        var end = value.endIndex
        if at < end, value[at] == 0x22 || value[at] == 0x27 {
            let quote = value[at]
            at += 1
            end = value[at...].firstIndex(of: quote) ?? end
        }
        guard let mapped = location(value[at..<end]) else { return nil }
        return value[..<at] + mapped + value[end...]
    }

    /// A `Set-Cookie` whose `Domain` and `Path` are as the client must see them; nil where it stays as it is. `__Host-` cookies keep their
    /// path: browsers take no other than `/`.
    public func cookie(_ value: ArraySlice<UInt8>) -> [UInt8]? {
        let mapsPath = !prefix.isEmpty && !same(trim(value).prefix(7), "__host-")
        var isMapped = false
        let parts = value.split(separator: 0x3B, omittingEmptySubsequences: false).enumerated().map { index, part -> ArraySlice<UInt8> in
            guard index > 0, let mark = part.firstIndex(of: 0x3D) else { return part }
            let (name, content) = (trim(part[..<mark]), trim(part[(mark + 1)...]))
            let mapped: [UInt8]
            if same(name, "domain"), isTheirs(content) {
                mapped = Array(origin.host.utf8)
            } else if mapsPath, same(name, "path"), content.first == 0x2F, !isUnderPrefix(content) {
                // `/wiki` holds for `/wiki` and all below it (RFC 6265 section 5.1.4); `/wiki/` would not hold for the first.
                mapped = content.count == 1 ? prefix : prefix + content
            } else {
                return part
            }
            isMapped = true
            return part[...mark] + mapped
        }
        return isMapped ? Array(parts.joined(separator: ";".utf8)) : nil
    }

    /// Whether a cookie's domain is the upstream's and not one that the site has as well.
    private func isTheirs(_ domain: ArraySlice<UInt8>) -> Bool {
        let domain = (domain.first == 0x2E ? domain.dropFirst() : domain).map { lowercase($0) }
        func holds(_ host: [UInt8]) -> Bool { host == domain || host.count > domain.count && host.suffix(domain.count + 1).elementsEqual([0x2E] + domain) }
        return !domain.isEmpty && !holds(Array(origin.host.utf8)) && hosts.contains(where: holds)
    }

    /// Whether a path is the prefix or lies below it already: the application knows of it (`X-Forwarded-Prefix`), and is not to see it twice.
    private func isUnderPrefix(_ path: ArraySlice<UInt8>) -> Bool {
        guard path.starts(with: prefix) else { return false }
        guard let next = path.dropFirst(prefix.count).first else { return true }
        return next == 0x2F || next == 0x3F || next == 0x23
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
