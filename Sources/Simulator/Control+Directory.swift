/// The part of the control interface that changes corps.
extension SimulatedWorld {
    /// More members, departments or tags than this in one corp are refused.
    private static let limit = 50_000

    private func place(_ body: JSON) throws(ControlFault) -> Int {
        guard let id = body["corpid"]?.text else {
            guard !corps.isEmpty else { throw ControlFault("there is no corp") }
            return 0
        }
        guard let at = corps.firstIndex(where: { $0.id == id }) else { throw ControlFault("corpid: no such corp", status: 404) }
        return at
    }

    mutating func changeCorp(_ body: JSON) throws(ControlFault) {
        let id = try Self.text(body, "corpid")
        let name = body["name"]?.text ?? id
        if let at = corps.firstIndex(where: { $0.id == id }) {
            corps[at].name = name
        } else {
            guard corps.count < 100 else { throw ControlFault("too many corps") }
            var corp = SimulatedCorp(id: id, name: name)
            corp.departments = [SimulatedDepartment(1, name, parent: 0)]
            corps.append(corp)
        }
    }

    mutating func changeMember(_ body: JSON) throws(ControlFault) {
        let corp = try place(body)
        let id = try Self.text(body, "userid")
        let at = corps[corp].members.firstIndex { $0.userID.lowercased() == id.lowercased() }
        if body["removed"]?.flag == true {
            guard let at else { throw ControlFault("userid: no such member", status: 404) }
            corps[corp].members.remove(at: at)
            return
        }
        var member = at.map { corps[corp].members[$0] } ?? SimulatedMember(id, id, in: [1])
        member.userID = body["new_userid"]?.text ?? id
        if let name = body["name"]?.text { member.name = name }
        if let departments = try Self.numbers(body, "departments") { member.departments = departments }
        if let position = body["position"]?.text { member.position = position }
        if body["status"] != nil { member.status = try Self.number(body, "status", 0...10) }
        if let mobile = body["mobile"]?.text { member.mobile = mobile }
        if let email = body["email"]?.text { member.email = email }
        if let bizMail = body["biz_mail"]?.text { member.bizMail = bizMail }
        if let at {
            corps[corp].members[at] = member
        } else {
            guard corps[corp].members.count < Self.limit else { throw ControlFault("too many members") }
            corps[corp].members.append(member)
        }
    }

    /// The host of an authority: WeChat knows callback domains without a port.
    static func host(_ authority: String) -> String { String(authority.prefix { $0 != ":" }) }

    mutating func trustEverywhere(_ domains: [String]) {
        trustedEverywhere = domains
        for app in wechat.apps.indices { wechat.apps[app].callbackDomains = domains.map(Self.host) }
        for corp in corps.indices {
            for app in corps[corp].apps.indices {
                corps[corp].apps[app].trustedDomains = domains
                corps[corp].apps[app].webCallbackDomains = domains
            }
        }
    }

    mutating func changeApp(_ body: JSON) throws(ControlFault) {
        let corp = try place(body)
        guard let agent = body["agentid"]?.number ?? corps[corp].apps.first?.agentID else { throw ControlFault("agentid: a number") }
        if !corps[corp].apps.contains(where: { $0.agentID == agent }), let secret = body["secret"]?.text, corps[corp].apps.count < 100 {
            corps[corp].apps.append(SimulatedApp(agentID: agent, name: String(agent), secret: secret, trustedDomains: trustedEverywhere ?? [],
                                                 visible: VisibleRange(departments: [1]), trustedIPs: nil))
        }
        guard let at = corps[corp].apps.firstIndex(where: { $0.agentID == agent }) else { throw ControlFault("agentid: no such app", status: 404) }
        var app = corps[corp].apps[at]
        if let secret = body["secret"]?.text { app.secret = secret }
        if let domains = try Self.texts(body, "trusted_domains") { app.trustedDomains = domains }
        if let domains = try Self.texts(body, "web_callback_domains") { app.webCallbackDomains = domains }
        if body["trusted_ips"] == .null { app.trustedIPs = nil } else if let ips = try Self.texts(body, "trusted_ips") { app.trustedIPs = ips }
        if let disabled = body["disabled"]?.flag { app.isDisabled = disabled }
        if let fields = body["private_fields"]?.flag { app.readsPrivateFields = fields }
        if let visible = body["visible"] {
            app.visible = VisibleRange(users: try Self.texts(visible, "users") ?? [], departments: try Self.numbers(visible, "departments") ?? [],
                                       tags: try Self.numbers(visible, "tags") ?? [])
        }
        corps[corp].apps[at] = app
    }

    mutating func changeDepartment(_ body: JSON) throws(ControlFault) {
        let corp = try place(body)
        let id = try Self.number(body, "id", 1...Int(Int32.max))
        let at = corps[corp].departments.firstIndex { $0.id == id }
        if body["removed"]?.flag == true {
            guard let at else { throw ControlFault("id: no such department", status: 404) }
            corps[corp].departments.remove(at: at)
            return
        }
        var department = at.map { corps[corp].departments[$0] } ?? SimulatedDepartment(id, String(id), parent: 1)
        if let name = body["name"]?.text { department.name = name }
        if body["parent"] != nil { department.parent = try Self.number(body, "parent", 0...Int(Int32.max)) }
        if let at {
            corps[corp].departments[at] = department
        } else {
            guard corps[corp].departments.count < Self.limit else { throw ControlFault("too many departments") }
            corps[corp].departments.append(department)
        }
    }

    mutating func changeTag(_ body: JSON) throws(ControlFault) {
        let corp = try place(body)
        let id = try Self.number(body, "tagid", 1...Int(Int32.max))
        let at = corps[corp].tags.firstIndex { $0.id == id }
        if body["removed"]?.flag == true {
            guard let at else { throw ControlFault("tagid: no such tag", status: 404) }
            corps[corp].tags.remove(at: at)
            return
        }
        var tag = at.map { corps[corp].tags[$0] } ?? SimulatedTag(id, String(id))
        if let name = body["name"]?.text { tag.name = name }
        if let users = try Self.texts(body, "users") { tag.users = users }
        if let departments = try Self.numbers(body, "departments") { tag.departments = departments }
        if let at {
            corps[corp].tags[at] = tag
        } else {
            guard corps[corp].tags.count < Self.limit else { throw ControlFault("too many tags") }
            corps[corp].tags.append(tag)
        }
    }

    static func texts(_ body: JSON, _ name: String) throws(ControlFault) -> [String]? {
        guard let value = body[name] else { return nil }
        guard let items = value.items, items.allSatisfy({ $0.text != nil }) else { throw ControlFault("\(name): a list of strings") }
        return items.compactMap(\.text)
    }

    private static func numbers(_ body: JSON, _ name: String) throws(ControlFault) -> [Int]? {
        guard let value = body[name] else { return nil }
        guard let items = value.items, items.allSatisfy({ $0.number != nil }) else { throw ControlFault("\(name): a list of numbers") }
        return items.compactMap(\.number)
    }
}
