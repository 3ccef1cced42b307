import Bytes
import HTTP

/// Who the client is behind proxies that are trusted, told from `X-Forwarded-For`. Every proxy adds at the end the address from which it was asked, so
/// the list is read from the right, and only as far as those who wrote it are trusted: what stands further left anybody may have sent.
enum ForwardedFor {
    /// The nearest address that is not a trusted proxy's; `peer`, at the other end of the connection, where that is none. Of a list of nothing but
    /// trusted proxies it is the one furthest left. An entry that is no address ends the walk: the proxy that passed it on counts as the client.
    static func client(_ fields: Fields, peer: IPAddress, trusted: [IPNetwork]) -> IPAddress {
        if trusted.isEmpty || !trusted.contains(address: peer) { return peer }
        var client = peer
        // Several fields are one list, in their order (RFC 9110 section 5.3).
        for index in fields.entries.indices.reversed() where isForwardedFor(fields.arena.span.extracting(fields.entries[index].name)) {
            let value = fields.arena.span.extracting(fields.entries[index].value)
            var end = value.count
            while end >= 0 {
                var start = end
                while start > 0, value[start - 1] != 0x2C { start -= 1 }
                let entry = trimmed(value.extracting(start..<end))
                // Empty entries of a list mean nothing (RFC 9110 section 5.6.1).
                if !entry.isEmpty {
                    guard let address = address(entry) else { return client }
                    client = address
                    if !trusted.contains(address: address) { return client }
                }
                end = start - 1
            }
        }
        return client
    }

    /// An address as proxies write it: `192.0.2.1`, `192.0.2.1:51234`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:51234`, and any of them in quotes.
    static func address(_ text: Span<UInt8>) -> IPAddress? {
        let isQuoted = text.count >= 2 && text[0] == 0x22 && text[text.count - 1] == 0x22
        return bare(isQuoted ? text.extracting(1..<text.count - 1) : text)
    }

    private static func bare(_ text: Span<UInt8>) -> IPAddress? {
        if let plain = IPAddress(text: text) { return plain }
        if text.isEmpty { return nil }
        var colon = text.count
        if text[0] == 0x5B {
            guard let close = (1..<text.count).first(where: { text[$0] == 0x5D }), let inner = IPAddress(text: text.extracting(1..<close)) else { return nil }
            // Brackets are IPv6's.
            guard (1..<close).contains(where: { text[$0] == 0x3A }) else { return nil }
            if close + 1 == text.count { return inner }
            return text[close + 1] == 0x3A && isPort(text.extracting(close + 2..<text.count)) ? inner : nil
        }
        while colon > 0, text[colon - 1] != 0x3A { colon -= 1 }
        guard colon > 0, isPort(text.extracting(colon..<text.count)), let address = IPAddress(text: text.extracting(0..<colon - 1)), address.isIPv4 else { return nil }
        return address
    }

    private static func isPort(_ text: Span<UInt8>) -> Bool {
        if text.isEmpty || text.count > 5 { return false }
        for at in 0..<text.count where text[at] < 0x30 || text[at] > 0x39 { return false }
        return true
    }

    @_lifetime(copy text)
    private static func trimmed(_ text: Span<UInt8>) -> Span<UInt8> {
        var start = 0, end = text.count
        while start < end, text[start] == 0x20 || text[start] == 0x09 { start += 1 }
        while end > start, text[end - 1] == 0x20 || text[end - 1] == 0x09 { end -= 1 }
        return text.extracting(start..<end)
    }

    private static func isForwardedFor(_ name: Span<UInt8>) -> Bool {
        let wanted: StaticString = "x-forwarded-for"
        if name.count != wanted.utf8CodeUnitCount { return false }
        return wanted.withUTF8Buffer { wanted in
            for at in 0..<name.count where unsafe wanted[at] != name[at] | 0x20 { return false }
            return true
        }
    }
}
