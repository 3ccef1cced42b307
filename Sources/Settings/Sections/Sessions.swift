import Access

extension ConfigurationReader {
    func readSessions(_ node: YAMLNode?, at root: Mark) -> SessionOptions? {
        let keys: [Key] = ["store", .later("password", off: .null), "idle_timeout", "lifetime", "recheck", "recheck_grace"]
        var options = SessionOptions(store: .sqlite(paths.resolve("menwei.db")))
        guard let node else {
            checkFolder(of: paths.resolve("menwei.db"), at: root)
            checkUnchanged(options.store, at: root)
            return options
        }
        guard let section = Section(node, "\"sessions\"", keys: keys, findings) else { return nil }
        if section.has("store") {
            guard let store = section.value("store", readStore) else { return nil }
            options.store = store
        }
        if case .sqlite(let path) = options.store { checkFolder(of: path, at: section.valueMark("store")) }
        checkUnchanged(options.store, at: section.valueMark("store"))
        let long = Duration.seconds(1)...Duration.seconds(3650 * 86400)
        options.limits.idle = section.value("idle_timeout", Read.duration(long)) ?? options.limits.idle
        options.limits.lifetime = section.value("lifetime", Read.duration(long)) ?? options.limits.lifetime
        options.recheck = section.value("recheck", Read.duration(long)) ?? options.recheck
        options.recheckGrace = section.value("recheck_grace", Read.duration(.zero...long.upperBound)) ?? options.recheckGrace
        if section.has("idle_timeout"), options.limits.idle > options.limits.lifetime {
            findings.warn(section.valueMark("idle_timeout"), "no session idles that long: they end after \(DurationText.format(options.limits.lifetime))")
        }
        return options
    }

    private func checkUnchanged(_ store: SessionOptions.Store, at mark: Mark) {
        guard let running = hooks.running?.sessions.store, running != store else { return }
        switch running {
        case .memory: findings.fault(mark, Self.needsRestart("sessions.store", "memory:"))
        case .sqlite(let path): findings.fault(mark, Self.needsRestart("sessions.store", "sqlite:" + path))
        }
    }

    private func readStore(_ node: YAMLNode) throws(Misread) -> SessionOptions.Store {
        let text = try Read.text(node)
        // Without the colon, too: behind a key the word with it needs quotes.
        if text == "memory:" || text == "memory" { return .memory }
        for later in ["redis:", "rediss:"] where text.hasPrefix(later) { throw .notYet("store: \(later)//") }
        guard text.hasPrefix("sqlite:") else { throw Misread("\"store\" must be sqlite:PATH or memory, this is \(quoted(text))") }
        return .sqlite(try sqlitePath(text))
    }

    /// The path in `sqlite:PATH`.
    func sqlitePath(_ text: String) throws(Misread) -> String {
        let path = String(text.dropFirst(7))
        guard !path.isEmpty, !path.hasSuffix("/") else { throw Misread("\"store\": the path of the database is missing after sqlite:") }
        // What `sqlite://folder` would open is nobody's intention.
        guard !path.hasPrefix("//") else { throw Misread("\"store\": the path follows sqlite: at once, without \"//\"") }
        return paths.resolve(path)
    }

    /// A file that is made on the first run needs its folder.
    func checkFolder(of path: String, at mark: Mark) {
        if TextFile.kind(path) == .folder {
            findings.fault(mark, "the database \(quoted(path: path)) is a folder")
        } else if TextFile.kind(Paths.parent(of: path)) != .folder {
            findings.fault(mark, "the folder \(quoted(path: Paths.parent(of: path))) of the database does not exist")
        } else if hooks.inspectStore != nil, let unwritable = [Paths.parent(of: path), path].first(where: { TextFile.kind($0) != .absent && !TextFile.isWritable($0) }) {
            findings.fault(mark, "the database \(quoted(path: path)) cannot be used: this user may not write to \(quoted(path: unwritable))")
        } else if let problem = hooks.inspectStore?(path) {
            findings.fault(mark, "the database \(quoted(path: path)) \(problem)")
        }
    }
}
