/// One spelling for all the spellings under which a server that ignores case (IIS) finds the same file: `paths.ignore_case`.
public enum PathFolding {
    /// Lower case, each segment without its trailing dots and blanks, empty segments dropped (a `/` at the end stays).
    public static func fold(_ path: Span<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(path.count)
        for i in path.indices { bytes.append(path[i]) }
        // A path in another encoding than UTF-8 has no letters that we know, but for ASCII's.
        let folded = String(validating: bytes, as: UTF8.self).map { Array($0.lowercased().utf8) } ?? bytes.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
        var out: [UInt8] = []
        out.reserveCapacity(folded.count)
        var i = 0
        while i < folded.count {
            if folded[i] == 0x2F {
                cutTail(&out)
                if out.last != 0x2F { out.append(0x2F) }
            } else {
                out.append(folded[i])
            }
            i += 1
        }
        cutTail(&out)
        return out
    }

    private static func cutTail(_ out: inout [UInt8]) {
        while let last = out.last, last == 0x2E || last == 0x20 { out.removeLast() }
    }
}
