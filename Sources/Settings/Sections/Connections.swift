import WeCom

/// A connection, with what is settled only when all are known.
struct ConnectionDraft {
    var options: ConnectionOptions
    var mark: Mark
    var idMark: Mark
    var plainNames: Bool?
    var plainMark: Mark
    var autoLogin: Bool?
    var autoMark: Mark
    var scopeMark: Mark
}

extension ConfigurationReader {
    private static let connectionKeys: [Key] = [
        "id", "type", "name", "plain_names", "corp_id", "agent_id", "secret", "scope", "auto_login", "visible_range_only", "events", "endpoints",
    ]

    func readConnections(_ node: YAMLNode) -> [ConnectionDraft]? {
        guard let items = Section.items(node, "connections", findings) else { return nil }
        if items.isEmpty { findings.fault(node.mark, "\"connections\" needs at least one connection") }
        var drafts = items.compactMap(readConnection)
        var lines: [String: Int] = [:]
        for draft in drafts {
            if let line = lines.updateValue(draft.idMark.line, forKey: draft.options.id) {
                findings.fault(draft.idMark, "the connection \(quoted(draft.options.id)) stands in line \(line) already")
            }
        }
        settlePlainNames(&drafts, complete: drafts.count == items.count)
        settleAutoLogin(&drafts)
        return drafts
    }

    /// Which keys it may have follows from its type.
    private func readConnection(_ node: YAMLNode) -> ConnectionDraft? {
        Self.isWeChat(node) ? readWeChat(node) : readWeCom(node)
    }

    private func readWeCom(_ node: YAMLNode) -> ConnectionDraft? {
        guard let section = Section(node, "a connection", keys: Self.connectionKeys, findings) else { return nil }
        _ = section.value("type", Read.word(["wecom", "wechat"], key: "type"))
        let scope = section.value("scope", Read.word(["snsapi_base", "snsapi_privateinfo"], key: "scope"))
        let id = section.required("id", Self.readConnectionID)
        let corp = section.required("corp_id", Self.readCorpID)
        let agent = section.required("agent_id", Read.integer(1...Int(Int32.max)))
        let secret = section.required("secret", secrets.read)
        let name = readName(section, otherwise: ConnectionOptions.Name(zh: "企业微信", en: "WeCom"))
        let plain = section.value("plain_names", Read.boolean)
        let auto = section.value("auto_login", Read.boolean)
        let visible = section.value("visible_range_only", Read.boolean)
        let events = section.node("events").flatMap { $0.isNull ? nil : readEvents($0, secrets) }
        let endpoints = section.node("endpoints").flatMap(readEndpoints)
        guard let id, let corp, let agent, let secret else { return nil }
        var app = WeComApp(corpID: corp, agentID: agent, secret: secret)
        app.scope = scope.flatMap { WeComApp.Scope(rawValue: $0) } ?? .base
        app.visibleRangeOnly = visible ?? true
        app.events = events
        app.endpoints = endpoints ?? WeComApp.Endpoints()
        return ConnectionDraft(
            options: ConnectionOptions(id: id, name: name, plainNames: plain ?? false, .wecom(app)), mark: section.mark, idMark: section.valueMark("id"),
            plainNames: plain, plainMark: section.keyMark("plain_names"), autoLogin: auto, autoMark: section.keyMark("auto_login"), scopeMark: section.keyMark("scope"))
    }

    private func readEvents(_ node: YAMLNode, _ secrets: SecretReader) -> CallbackKeys? {
        guard let section = Section(node, "events", keys: ["token", "aes_key"], findings) else { return nil }
        let token = section.required("token") { (node) throws(Misread) in
            let text = try secrets.read(node)
            guard CallbackKeys.isToken(text) else { throw Misread("a callback's token is 1 to 32 letters and digits, this is something else") }
            return text
        }
        let key = section.required("aes_key") { (node) throws(Misread) in
            let text = try secrets.read(node)
            guard CallbackKeys.isAESKey(text) else { throw Misread("a callback's aes_key is 43 letters and digits, this is something else") }
            return text
        }
        guard let token, let key else { return nil }
        return CallbackKeys(token: token, aesKey: key)
    }

    private static func isWeChat(_ node: YAMLNode) -> Bool {
        guard case .mapping(let entries) = node.content, let type = entries.first(where: { $0.key == "type" }) else { return false }
        if case .scalar(let scalar) = type.value.content { return scalar.text == "wechat" }
        return false
    }

    var secrets: SecretReader { SecretReader(paths: paths, environment: hooks.environment, findings: findings) }

    static func readConnectionID(_ node: YAMLNode) throws(Misread) -> String {
        let text = try Read.name(node)
        let fits = (1...31).contains(text.utf8.count) && text.utf8.allSatisfy { ASCII.isLower($0) || ASCII.isDigit($0) || $0 == 0x2D }
        guard fits else { throw Misread("a connection's id is 1 to 31 of a-z, 0-9 and \"-\", this is \(quoted(text))") }
        return text
    }

    private static func readCorpID(_ node: YAMLNode) throws(Misread) -> String { try readID(node, "a corp id such as ww0123456789abcdef") }

    /// An id that WeCom or WeChat gave.
    static func readID(_ node: YAMLNode, _ wanted: String) throws(Misread) -> String {
        let text = try Read.text(node)
        guard text.utf8.count <= 64, text.utf8.allSatisfy({ ASCII.isAlphanumeric($0) || $0 == 0x2D || $0 == 0x5F }) else {
            throw Misread("expected \(wanted), this is \(quoted(text))")
        }
        return text
    }

    /// A plain string for all languages, or `{ zh: …, en: … }`.
    func readName(_ section: Section, otherwise standard: ConnectionOptions.Name) -> ConnectionOptions.Name {
        var name = standard
        guard let node = section.node("name") else { return name }
        if case .mapping = node.content {
            guard let texts = Section(node, "\"name\"", keys: ["zh", "en"], findings) else { return name }
            name.zh = texts.value("zh", Read.text) ?? name.zh
            name.en = texts.value("en", Read.text) ?? name.en
        } else if let text = section.value("name", Read.text) {
            name = ConnectionOptions.Name(zh: text, en: text)
        }
        return name
    }

    private func readEndpoints(_ node: YAMLNode) -> WeComApp.Endpoints? {
        guard let section = Section(node, "\"endpoints\"", keys: ["api", "authorize", "web_login", "userinfo"], findings) else { return nil }
        var endpoints = WeComApp.Endpoints()
        endpoints.api = section.value("api", Read.endpoint) ?? endpoints.api
        endpoints.authorize = section.value("authorize", Read.endpoint) ?? endpoints.authorize
        endpoints.webLogin = section.value("web_login", Read.endpoint) ?? endpoints.webLogin
        let paths = ["auth/getuserinfo", "user/getuserinfo"]
        endpoints.userinfo = section.value("userinfo", Read.word(paths, key: "userinfo")) ?? endpoints.userinfo
        warnOfPlain(section, [("api", endpoints.api), ("authorize", endpoints.authorize), ("web_login", endpoints.webLogin)])
        return endpoints
    }

    func warnOfPlain(_ section: Section, _ addresses: [(key: String, url: String)]) {
        for (key, url) in addresses where url.lowercased().hasPrefix("http:") {
            findings.warn(section.valueMark(key), "this address is not https: secrets and codes pass in the clear")
        }
    }

    /// One connection at most; the only one of WeCom's has them unless it says otherwise; of several one must be marked, or all say no. WeChat's never have.
    private func settlePlainNames(_ drafts: inout [ConnectionDraft], complete: Bool) {
        let marked = drafts.indices.filter { drafts[$0].plainNames == true }
        for index in marked.dropFirst() {
            findings.fault(drafts[index].plainMark, "only one connection can have plain_names; \(quoted(drafts[marked[0]].options.id)) has them already")
        }
        let wecom = drafts.indices.filter { drafts[$0].options.wecom != nil }
        guard marked.isEmpty, complete, let first = wecom.first else { return }
        if wecom.count == 1 {
            drafts[first].options.plainNames = drafts[first].plainNames ?? true
        } else if wecom.contains(where: { drafts[$0].plainNames == nil }) {
            findings.fault(drafts[wecom[1]].mark, "several connections, and none has plain_names: true; mark the one whose accounts are written without \"ID/\"")
        }
    }

    /// One connection at most logs in silently; where none says so it is the first that does not say no.
    private func settleAutoLogin(_ drafts: inout [ConnectionDraft]) {
        let marked = drafts.indices.filter { drafts[$0].autoLogin == true }
        for index in marked.dropFirst() {
            findings.fault(drafts[index].autoMark, "only one connection can have auto_login; \(quoted(drafts[marked[0]].options.id)) has it already")
        }
        let wecom = drafts.indices.filter { drafts[$0].options.wecom != nil }
        let silent = marked.first ?? wecom.first { drafts[$0].autoLogin == nil }
        for index in drafts.indices {
            guard case .wecom(var app) = drafts[index].options.kind else { continue }
            app.autoLogin = index == silent
            drafts[index].options.kind = .wecom(app)
        }
        guard marked.isEmpty, let silent else { return }
        for index in wecom where index != silent && drafts[index].autoLogin == nil {
            findings.warn(drafts[index].mark, "auto_login is left to \(quoted(drafts[silent].options.id)); set auto_login: false here to say so")
        }
    }
}
