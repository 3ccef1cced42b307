/// A SECRET: `{ file: PATH }`, `{ env: NAME }`, or the string itself.
struct SecretReader {
    let paths: Paths
    let environment: @Sendable (String) -> String?
    let findings: Findings

    /// Longer than any secret of WeCom's or password.
    static let maximumBytes = 64 << 10

    func read(_ node: YAMLNode) throws(Misread) -> String {
        if case .scalar = node.content {
            let text = try Read.text(node)
            let isPath = text.contains("/") && TextFile.kind(paths.resolve(text)) == .file
            findings.warn(
                node.mark,
                isPath
                    ? "this is taken for the secret itself; for what is in the file write { file: \(text) }"
                    : "a secret in the configuration itself is seen by all who read it; use { file: PATH } or { env: NAME }")
            return text
        }
        guard case .mapping = node.content, let section = Section(node, "a secret", keys: ["file", "env"], findings) else {
            throw Misread("a secret is { file: PATH }, { env: NAME } or a text, this is \(node.kindName)")
        }
        guard section.has("file") != section.has("env") else { throw Misread("a secret is either { file: PATH } or { env: NAME }") }
        if let file = section.node("file") { return try readFile(file) }
        guard let env = section.node("env") else { throw Misread("a secret is either { file: PATH } or { env: NAME }") }
        do throws(Misread) {
            let name = try Read.text(env)
            guard let value = environment(name), !value.isEmpty else { throw Misread("the environment variable \(quoted(name)) is not set or empty") }
            return value
        } catch {
            throw Misread(error.message, at: env.mark)
        }
    }

    private func readFile(_ node: YAMLNode) throws(Misread) -> String {
        let bytes: [UInt8]
        let path: String
        do throws(Misread) {
            path = paths.resolve(try Read.text(node))
        } catch {
            throw Misread(error.message, at: node.mark)
        }
        do throws(TextFile.Failure) {
            bytes = try TextFile.read(path, limit: Self.maximumBytes)
        } catch {
            throw Misread("the secret's file \(quoted(path: path)) \(error.why)", at: node.mark)
        }
        // One newline at the end is the editor's.
        var content = bytes[...]
        if content.last == 0x0A {
            content.removeLast()
            if content.last == 0x0D { content.removeLast() }
        }
        guard !content.isEmpty else { throw Misread("the secret's file \(quoted(path: path)) is empty", at: node.mark) }
        guard let text = String(validating: content, as: UTF8.self), content.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw Misread("the secret's file \(quoted(path: path)) holds more than one line of text", at: node.mark)
        }
        if content.first == 0x20 || content.last == 0x20 || content.starts(with: [0xEF, 0xBB, 0xBF]) {
            findings.warn(node.mark, "the secret in \(quoted(path: path)) begins or ends with a blank or a byte order mark, which is taken for a part of it")
        }
        return text
    }
}
