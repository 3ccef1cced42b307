internal import Crypto
internal import Bytes

/// The gateway's own style sheet, script and mark. Their names carry a hash of their content, so that browsers may keep them for ever.
struct Assets: Sendable {
    struct File: Sendable {
        /// The last segment of its path: `menwei.0123456789abcdef.css`.
        var name: String
        var type: String
        var body: [UInt8]
        var path: String { Assets.folder + name }
    }

    static let folder = "/.menwei/assets/"
    static let shared = Assets()

    let style: File
    /// SHA-256 of the style sheet, base64: what a policy calls it where it stands in a page (CSP `'sha256-…'`).
    let styleHash: String
    let script: File
    let mark: File

    init() {
        style = Self.file("menwei", "css", "text/css; charset=utf-8", Self.style)
        styleHash = Base64.encode(Digest.sha256(Array(Self.style.utf8)).bytes)
        script = Self.file("menwei", "js", "text/javascript; charset=utf-8", Self.script)
        mark = Self.file("mark", "svg", "image/svg+xml", Self.mark)
    }

    /// The file of that name, if there is one.
    func file(named name: Substring) -> File? {
        [style, script, mark].first { $0.name == name }
    }

    private static func file(_ name: String, _ suffix: String, _ type: String, _ text: String) -> File {
        let body = Array(text.utf8)
        let hash = Hex.encode(Array(Digest.sha256(body).bytes.prefix(8)))
        return File(name: "\(name).\(hash).\(suffix)", type: type, body: body)
    }
}
