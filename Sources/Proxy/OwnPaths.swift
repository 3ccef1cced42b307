/// The gateway's own corner of every origin: `/.menwei` and all below it, at a segment border (`/.menweix` is the site's).
enum OwnPaths {
    private static let prefix = Array("/.menwei".utf8)

    /// 4 KiB: all but WeCom's callbacks are small forms.
    static let formLimit = 4 << 10

    private static let events = Array("/.menwei/events/".utf8), beginnings = ["/.menwei/start/", "/.menwei/scan"].map { Array($0.utf8) }

    /// WeCom's callbacks.
    static func isEvents(_ path: Span<UInt8>) -> Bool { begins(path, events) }

    /// Somebody without a session asks for something that is kept for them.
    static func beginsLogin(_ path: Span<UInt8>) -> Bool { beginnings.contains { begins(path, $0) } }

    private static func begins(_ path: Span<UInt8>, _ prefix: [UInt8]) -> Bool {
        guard path.count >= prefix.count else { return false }
        for i in 0..<prefix.count where path[i] != prefix[i] { return false }
        return true
    }

    /// - Parameter path: canonical and percent-decoded.
    static func contains(_ path: Span<UInt8>) -> Bool {
        let count = prefix.count
        guard path.count >= count, path[1] == 0x2E, path.count == count || path[count] == 0x2F else { return false }
        for i in 0..<count where path[i] != prefix[i] { return false }
        return true
    }
}
