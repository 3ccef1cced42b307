import Access

extension ConfigurationReader {
    /// `accounts`. The table is in the sessions' file unless it says otherwise.
    func readAccounts(_ node: YAMLNode?, _ sessions: SessionOptions?, at root: Mark) -> AccountOptions? {
        var options = AccountOptions()
        if case .sqlite(let path) = sessions?.store { options.file = path }
        guard let node else {
            checkUnchanged(options, sessions, at: root)
            return options
        }
        guard let section = Section(node, "\"accounts\"", keys: ["mode", "match", "bind", "store"], findings) else { return nil }
        if let mode = section.value("mode", Read.word(["open", "known"], key: "mode")) { options.rules.mode = mode == "known" ? .known : .open }
        let fields = AccountRules.Field.allCases.map(\.rawValue)
        options.rules.match = Set((section.list("match", Read.word(fields, key: "match")) ?? []).compactMap { AccountRules.Field(rawValue: $0) })
        options.rules.asksForCode = section.value("bind", Read.word(["never", "ask"], key: "bind")) == "ask"
        if let store = section.node("store"), !store.isNull {
            guard let path = section.value("store", readAccountFile) else { return nil }
            options.file = path
            if case .sqlite(path) = sessions?.store {} else { checkFolder(of: path, at: store.mark) }
        }
        if sessions != nil, options.file == nil { checkNeedsNoTable(options.rules, section) }
        checkUnchanged(options, sessions, at: section.valueMark("store"))
        return options
    }

    private func readAccountFile(_ node: YAMLNode) throws(Misread) -> String {
        let text = try Read.text(node)
        guard text.hasPrefix("sqlite:") else { throw Misread("\"store\" must be sqlite:PATH, this is \(quoted(text))") }
        return try sqlitePath(text)
    }

    private func checkNeedsNoTable(_ rules: AccountRules, _ section: Section) {
        let asked = [("mode", rules.mode == .known), ("match", !rules.match.isEmpty), ("bind", rules.asksForCode)]
        for (key, _) in asked.filter(\.1) {
            findings.fault(section.keyMark(key), "\"\(key)\" needs an account table, and \"sessions.store\" is not sqlite: set \"store: sqlite:PATH\" here")
        }
    }

    /// Where the sessions' store is another one already, that is told at its own place.
    private func checkUnchanged(_ options: AccountOptions, _ sessions: SessionOptions?, at mark: Mark) {
        guard hooks.running?.sessions.store == sessions?.store, let running = hooks.running?.accounts, running.file != options.file else { return }
        findings.fault(mark, Self.needsRestart("accounts.store", running.file.map { "sqlite:" + $0 } ?? "null"))
    }
}
