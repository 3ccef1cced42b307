/// The gateway's own corner of every origin: `/.menwei` and all below it, at a segment border (`/.menweix` is the site's).
enum OwnPaths {
    private static let prefix = Array("/.menwei".utf8)

    /// - Parameter path: canonical and percent-decoded.
    static func contains(_ path: Span<UInt8>) -> Bool {
        let count = prefix.count
        guard path.count >= count, path[1] == 0x2E, path.count == count || path[count] == 0x2F else { return false }
        for i in 0..<count where path[i] != prefix[i] { return false }
        return true
    }
}
