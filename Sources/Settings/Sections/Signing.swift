import Crypto

extension ConfigurationReader {
    func readSigning(_ node: YAMLNode?, at root: Mark) -> SigningOptions? {
        var options = SigningOptions(keys: paths.resolve("keys"))
        guard let node else {
            checkKeyFolder(options.keys, at: root)
            checkKeys(options, at: root)
            checkUnchanged(options, at: root)
            return options
        }
        guard let section = Section(node, "\"signing\"", keys: ["keys", "algorithm", "lifetime", "rotate_every"], findings) else { return nil }
        if section.has("keys") {
            guard let keys = section.value("keys", Read.text) else { return nil }
            options.keys = paths.resolve(keys)
        }
        checkKeyFolder(options.keys, at: section.valueMark("keys"))
        let algorithm = section.value("algorithm", Read.word(SigningAlgorithm.allCases.map(\.rawValue), key: "algorithm"))
        options.rotation.algorithm = algorithm.flatMap(SigningAlgorithm.init(rawValue:)) ?? options.rotation.algorithm
        options.rotation.every = section.value("rotate_every", Read.duration(.zero...DurationText.maximum)) ?? options.rotation.every
        let lifetimes = Duration.seconds(1)...KeyRing.longestLifetime
        options.lifetime = section.value("lifetime", Read.duration(lifetimes)) ?? options.lifetime
        checkKeys(options, at: section.valueMark("keys"))
        checkUnchanged(options, at: section.valueMark("keys"))
        return options
    }

    private func checkUnchanged(_ options: SigningOptions, at mark: Mark) {
        guard let running = hooks.running?.signing, running.keys != options.keys else { return }
        findings.fault(mark, Self.needsRestart("signing.keys", running.keys))
    }

    /// The folder is made on the first run, the one above it is not.
    private func checkKeyFolder(_ path: String, at mark: Mark) {
        var path = Substring(path)
        while path.utf8.count > 1, path.hasSuffix("/") { path = path.dropLast() }
        switch TextFile.kind(String(path)) {
        case .folder: break
        case .file, .other: findings.fault(mark, "the key folder \(quoted(path: String(path))) is no folder")
        case .absent:
            let parent = Paths.parent(of: String(path))
            if TextFile.kind(parent) != .folder {
                findings.fault(mark, "the folder \(quoted(path: parent)) of the key folder does not exist")
            } else if hooks.inspectStore != nil, !TextFile.isWritable(parent) {
                findings.fault(mark, "the key folder \(quoted(path: String(path))) cannot be made: this user may not write to \(quoted(path: parent))")
            }
        }
    }

    /// What `run` would read of the keys that are there already.
    private func checkKeys(_ options: SigningOptions, at mark: Mark) {
        guard TextFile.kind(options.keys) == .folder else { return }
        do throws(KeyFolderFault) {
            let contents = try KeyFolder(path: options.keys).readIfComplete(lifetime: options.lifetime)
            for warning in contents?.warnings ?? [] { findings.warn(mark, "\(quoted(path: warning.path)): \(warning.message)") }
            if let contents { checkAlgorithm(options.rotation, contents, at: mark) }
        } catch {
            findings.fault(mark, "\(quoted(path: error.path)): \(error.message)")
        }
    }

    /// Who rotates brings the algorithm that is asked for; nobody else does.
    private func checkAlgorithm(_ rotation: KeyRotation, _ contents: KeyFolderContents, at mark: Mark) {
        guard rotation.every == .zero, let newest = contents.ring.names.last, let key = contents.keys[newest.kid], key.algorithm != rotation.algorithm
        else { return }
        findings.warn(mark, "the newest key is for \(key.algorithm.rawValue), and with \"rotate_every: 0\" no other is made; `menwei keys rotate` makes one for \(rotation.algorithm.rawValue)")
    }

    func readLog(_ node: YAMLNode?) -> LogOptions? {
        var options = LogOptions()
        guard let node else { return options }
        guard let section = Section(node, "\"log\"", keys: ["format", "level"], findings) else { return nil }
        _ = section.value("format", Read.word(["json"], key: "format"))
        let level = section.value("level", Read.word(LogOptions.Level.allCases.map(\.rawValue), key: "level"))
        options.level = level.flatMap(LogOptions.Level.init(rawValue:)) ?? options.level
        return options
    }
}
