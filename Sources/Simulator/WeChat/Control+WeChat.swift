/// The part of the control interface that changes WeChat.
extension SimulatedWeChat {
    mutating func changeApp(_ body: JSON) throws(ControlFault) {
        guard let id = body["appid"]?.text ?? apps.first?.appID else { throw ControlFault("appid: a string") }
        if app(id) == nil, let secret = body["secret"]?.text, apps.count < 100 {
            apps.append(SimulatedWeChatApp(appID: id, secret: secret, name: id, callbackDomains: apps.first?.callbackDomains ?? []))
        }
        guard let at = apps.firstIndex(where: { $0.appID == id }) else { throw ControlFault("appid: no such app", status: 404) }
        if let secret = body["secret"]?.text { apps[at].secret = secret }
        if let name = body["name"]?.text { apps[at].name = name }
        if let domains = try SimulatedWorld.texts(body, "callback_domains") { apps[at].callbackDomains = domains }
        if let flag = body["union_ids"]?.flag { apps[at].hasUnionIDs = flag }
        if let flag = body["approved"]?.flag { apps[at].isApproved = flag }
    }

    mutating func changeUser(_ body: JSON) throws(ControlFault) {
        let key = try SimulatedWorld.text(body, "userid")
        let at = users.firstIndex { $0.key == key }
        if body["removed"]?.flag == true {
            guard let at else { throw ControlFault("userid: nobody of that name", status: 404) }
            users.remove(at: at)
            return
        }
        guard at != nil || users.count < 1000 else { throw ControlFault("too many people") }
        var user = at.map { users[$0] } ?? SimulatedWeChatUser(key, key)
        if let nickname = body["nickname"]?.text { user.nickname = nickname }
        if let unionID = body["unionid"]?.text { user.unionID = unionID }
        if let at { users[at] = user } else { users.append(user) }
    }

    var peopleReport: JSON {
        .array(users.map { user in
            .members([
                "userid": .string(user.key), "nickname": .string(user.nickname), "unionid": .string(user.unionID),
                "openid": .object(apps.map { .init(name: $0.appID, value: .string(user.openID(with: $0.appID))) }),
            ])
        })
    }
}
