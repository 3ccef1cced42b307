import WeCom

extension ConfigurationReader {
    private static let weChatKeys: [Key] = ["id", "type", "name", "app_id", "secret", "endpoints", "plain_names", "auto_login"]

    /// `type: wechat`: a website app of the WeChat Open Platform.
    func readWeChat(_ node: YAMLNode) -> ConnectionDraft? {
        guard let section = Section(node, "a connection", keys: Self.weChatKeys, findings) else { return nil }
        let id = section.required("id", Self.readConnectionID)
        let app = section.required("app_id") { (node: YAMLNode) throws(Misread) in try Self.readID(node, "an app id such as wx0123456789abcdef") }
        let secret = section.required("secret", secrets.read)
        let name = readName(section, otherwise: ConnectionOptions.Name(zh: "微信", en: "WeChat"))
        let endpoints = section.node("endpoints").flatMap(readWeChatEndpoints)
        refuse(section, "plain_names", "its accounts come from the account table")
        refuse(section, "auto_login", "it has no silent login")
        guard let id, let app, let secret else { return nil }
        var options = WeChatApp(appID: app, secret: secret)
        options.endpoints = endpoints ?? WeChatApp.Endpoints()
        return ConnectionDraft(
            options: ConnectionOptions(id: id, name: name, plainNames: false, .wechat(options)), mark: section.mark, idMark: section.valueMark("id"),
            plainNames: nil, plainMark: section.mark, autoLogin: nil, autoMark: section.mark, scopeMark: section.mark)
    }

    private func refuse(_ section: Section, _ key: String, _ why: String) {
        if section.value(key, Read.boolean) == true { findings.fault(section.keyMark(key), "a WeChat connection cannot have \(key): \(why)") }
    }

    private func readWeChatEndpoints(_ node: YAMLNode) -> WeChatApp.Endpoints? {
        guard let section = Section(node, "\"endpoints\"", keys: ["api", "authorize"], findings) else { return nil }
        var endpoints = WeChatApp.Endpoints()
        endpoints.api = section.value("api", Read.endpoint) ?? endpoints.api
        endpoints.authorize = section.value("authorize", Read.endpoint) ?? endpoints.authorize
        warnOfPlain(section, [("api", endpoints.api), ("authorize", endpoints.authorize)])
        return endpoints
    }
}
