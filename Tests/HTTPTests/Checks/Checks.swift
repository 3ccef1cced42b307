import HTTP

/// What must hold of any bytes whatever. Each check returns a complaint, or `nil`; fuzzers and ordinary tests call the same ones.
public enum Checks {
    /// However the bytes arrive, the same requests are read.
    public static func requests(_ bytes: [UInt8]) -> String? {
        for limits in [HeadLimits.request, HeadLimits(headBytes: 96, fields: 3, targetBytes: 12, trailerBytes: 24, trailerFields: 1)] {
            let whole = requestTrace(bytes, limits: limits)
            if whole.isBroken { return "whole: \(whole)" }
            for cuts in cuttings(bytes) {
                let cut = requestTrace(bytes, cuts: cuts, limits: limits)
                if cut != whole { return "cut at \(cuts.prefix(4)):\n\(cut)\nwhole:\n\(whole)" }
            }
        }
        return nil
    }

    /// However the bytes arrive, the same responses are read.
    public static func responses(_ bytes: [UInt8]) -> String? {
        for (methods, upgrade) in [([HTTP.Method.get, .get], false), ([.head, .get], false), ([.get], true)] {
            for limits in [HeadLimits.response, HeadLimits(headBytes: 96, fields: 3, targetBytes: 0, trailerBytes: 24, trailerFields: 1)] {
                let whole = responseTrace(bytes, to: methods, upgrade: upgrade, limits: limits)
                if whole.isBroken { return "whole: \(whole)" }
                for cuts in cuttings(bytes) {
                    let cut = responseTrace(bytes, to: methods, upgrade: upgrade, cuts: cuts, limits: limits)
                    if cut != whole { return "cut at \(cuts.prefix(4)):\n\(cut)\nwhole:\n\(whole)" }
                }
            }
        }
        return nil
    }

    /// A request is a WebSocket's exactly where a slow reader of its head says so too.
    public static func handshake(_ bytes: [UInt8]) -> String? {
        var parser = RequestParser()
        guard case .head(let consumed)? = try? parser.next(bytes.span) else { return nil }
        let head = parser.head
        let lines = String(decoding: bytes.prefix(consumed), as: Unicode.ASCII.self).split(separator: "\r\n")
        func values(_ name: String) -> [String] {
            lines.dropFirst().filter { $0.prefix { $0 != ":" }.lowercased() == name }.map { line in
                String(line[line.firstIndex(of: ":")!...].dropFirst()).trimmed
            }
        }
        let key = values("sec-websocket-key")
        let version = values("sec-websocket-version")
        let lengths = values("content-length").filter { $0 != "0" } + values("transfer-encoding")
        let expected = lines.first.map { $0.hasPrefix("GET ") && $0.hasSuffix(" HTTP/1.1") } == true && lengths.isEmpty
            && values("upgrade").map { $0.lowercased() } == ["websocket"]
            && values("connection").flatMap { $0.split(separator: ",").map { String($0).trimmed.lowercased() } }.contains("upgrade")
            && key.count == 1 && key[0].utf8.count == 24 && key[0].hasSuffix("==") && key[0].dropLast(2).allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "+" || $0 == "/") }
            && version.count == 1 && (1...3).contains(version[0].utf8.count) && version[0].allSatisfy { $0.isASCII && $0.isNumber }
        if head.isWebSocket != expected { return "a WebSocket: \(head.isWebSocket), and by its lines \(expected)" }
        if head.isWebSocket, !head.hasUpgrade || head.body != .none { return "a WebSocket that asks for no upgrade, or has a body" }
        return head.hasUpgrade == !values("upgrade").isEmpty ? nil : "an upgrade was seen or not seen wrongly"
    }

    /// A target that is accepted is canonical: read again it is the same, and no reading of it climbs.
    public static func target(_ bytes: [UInt8]) -> String? {
        _ = Authority.origin(bytes[...])
        guard let target = try? CanonicalTarget(bytes.span) else { return nil }
        guard let again = try? CanonicalTarget(target.forwarded.span) else { return "the forwarded target is refused" }
        if again.forwarded != target.forwarded || again.path != target.path { return "not canonical" }
        let readings = target.readings()
        if readings.first != target.path || readings.count > 8 { return "\(readings.count) readings" }
        if !target.isAmbiguous, readings.count != 1 { return "readings without ambiguity" }
        for reading in readings {
            if reading.first != UInt8(ascii: "/") { return "a reading without root" }
            for segment in reading.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: true) where segment == [0x2E] || segment == [0x2E, 0x2E] {
                return "a reading climbs"
            }
            if zip(reading, reading.dropFirst()).contains(where: { $0 == 0x2F && $1 == 0x2F }) { return "a run of slashes" }
            if reading.contains(where: { $0 < 0x20 || $0 == 0x7F || $0 == 0x5C }) { return "a control or backslash" }
        }
        return nil
    }

    /// What is taken out of a Cookie field is gone to every later look, and nothing else is.
    public static func cookies(_ bytes: [UInt8]) -> String? {
        let names: [StaticString] = ["a", "__Host-menwei"]
        var rest: [UInt8] = []
        let remains = Cookies.strip(bytes.span, names: names, into: &rest)
        if !remains, !rest.isEmpty { return "something left of nothing" }
        for name in names where !Cookies.values(named: name, in: cookieFields(rest)).isEmpty { return "\(name) is still there" }
        var again: [UInt8] = []
        if remains, !Cookies.strip(rest.span, names: names, into: &again) || again != rest { return "stripping twice differs" }
        for other: StaticString in ["b", "c", "sid"] {
            let before = Cookies.values(named: other, in: cookieFields(bytes)).map(Array.init)
            let after = Cookies.values(named: other, in: cookieFields(rest)).map(Array.init)
            if before != after { return "\(other) changed" }
        }
        let query = Query(bytes: bytes[...])
        if query.pairs.count > bytes.count { return "pairs out of nothing" }
        return nil
    }

    static func cookieFields(_ values: [UInt8]...) -> Fields {
        var fields = Fields()
        let name = Array("Cookie".utf8)
        for value in values { fields.append(name: name.span, value: value.span, known: .cookie) }
        return fields
    }

    /// Byte by byte, at each place of short inputs, and at a few places that the bytes themselves choose.
    private static func cuttings(_ bytes: [UInt8]) -> [[Int]] {
        var cuttings = [Array(0..<bytes.count)]
        if bytes.count <= 48 {
            cuttings += bytes.indices.map { [$0] }
        } else {
            let sum = bytes.reduce(UInt(5381)) { $0 &* 33 &+ UInt($1) }
            let one = Int(sum % UInt(bytes.count))
            let other = Int(sum / 7919 % UInt(bytes.count))
            cuttings += [[one], [min(one, other), max(one, other)]]
        }
        return cuttings
    }
}

extension String {
    /// Without blanks and tabs at its ends.
    fileprivate var trimmed: String {
        let blanks: Set<Character> = [" ", "\t"]
        return String(drop(while: { blanks.contains($0) }).reversed().drop(while: { blanks.contains($0) }).reversed())
    }
}
