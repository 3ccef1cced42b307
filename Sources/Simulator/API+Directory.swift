/// The reading of the directory: everything is answered as far as the app's visible range goes.
extension APICaller {
    /// `GET user/get?access_token=&userid=` (D/96255).
    func user(_ call: APICall) throws(APIFault) -> JSON {
        let id = try call.need("userid", or: 40003)
        guard let member = corp.member(id) else { throw APIFault(60111) }
        guard corp.isVisible(member, to: app) else { throw APIFault(60011) }
        let visible = corp.visibleDepartments(to: app)
        let departments = member.departments.filter { visible.contains($0) }
        var members: [JSON.Member] = [
            .init(name: "errcode", value: 0), .init(name: "errmsg", value: "ok"), .init(name: "userid", value: .string(member.userID)),
            .init(name: "name", value: .string(member.name)), .init(name: "department", value: .ints(departments)),
            .init(name: "position", value: .string(member.position)), .init(name: "status", value: .int(member.status)),
            .init(name: "order", value: .ints(departments.map { _ in 0 })),
            .init(name: "is_leader_in_dept", value: .ints(departments.map { leads(member, $0) ? 1 : 0 })),
            .init(name: "direct_leader", value: .array([])), .init(name: "telephone", value: ""), .init(name: "alias", value: ""),
            .init(name: "extattr", value: .members(["attrs": .array([])])),
        ]
        if let main = departments.first { members.append(.init(name: "main_department", value: .int(main))) }
        if app.readsPrivateFields {
            members += [
                .init(name: "gender", value: "1"), .init(name: "mobile", value: .string(member.mobile)), .init(name: "email", value: .string(member.email)),
                .init(name: "biz_mail", value: .string(member.bizMail)), .init(name: "avatar", value: ""), .init(name: "thumb_avatar", value: ""),
                .init(name: "qr_code", value: "https://open.work.weixin.qq.com/wwopen/userQRCode?vcode=simulated"), .init(name: "address", value: ""),
            ]
        }
        return .object(members)
    }

    private func leads(_ member: SimulatedMember, _ id: Int) -> Bool {
        corp.department(id)?.leaders.contains { $0.lowercased() == member.userID.lowercased() } ?? false
    }

    /// `GET department/simplelist` and `GET department/list`, each with an optional `id`: that department and all below it (D/95406).
    func departments(_ call: APICall, full: Bool) throws(APIFault) -> JSON {
        let visible = corp.visibleDepartments(to: app)
        var wanted = visible
        if let text = call.form["id"], !text.isEmpty {
            guard let id = Int(text), corp.department(id) != nil else { throw APIFault(60123) }
            wanted = corp.below([id]).intersection(visible)
            if wanted.isEmpty { throw APIFault(60011) }
        }
        let list = corp.departments.filter { wanted.contains($0.id) }
        return .members([
            "errcode": 0, "errmsg": "ok",
            full ? "department" : "department_id": .array(list.map { full ? Self.whole($0) : Self.brief($0) }),
        ])
    }

    /// `GET department/get?id=` (D/95407).
    func department(_ call: APICall) throws(APIFault) -> JSON {
        guard let id = Int(try call.need("id", or: 40063)), let department = corp.department(id) else { throw APIFault(60123) }
        guard corp.visibleDepartments(to: app).contains(id) else { throw APIFault(60011) }
        return .members(["errcode": 0, "errmsg": "ok", "department": Self.whole(department)])
    }

    private static func brief(_ department: SimulatedDepartment) -> JSON {
        .members(["id": .int(department.id), "parentid": .int(department.parent), "order": 100_000])
    }

    private static func whole(_ department: SimulatedDepartment) -> JSON {
        .members([
            "id": .int(department.id), "name": .string(department.name), "name_en": "", "department_leader": .strings(department.leaders),
            "parentid": .int(department.parent), "order": 100_000,
        ])
    }

    /// `GET tag/list`: all tags may be read; whom they hold only as far as the range goes.
    func tags() -> JSON {
        .members([
            "errcode": 0, "errmsg": "ok",
            "taglist": .array(corp.tags.map { .members(["tagid": .int($0.id), "tagname": .string($0.name)]) }),
        ])
    }

    /// `GET tag/get?tagid=`.
    func tag(_ call: APICall) throws(APIFault) -> JSON {
        guard let id = Int(try call.need("tagid", or: 40068)), let tag = corp.tags.first(where: { $0.id == id }) else { throw APIFault(40068) }
        let visible = corp.visibleDepartments(to: app)
        let users = tag.users.compactMap { corp.member($0) }.filter { corp.isVisible($0, to: app) }
        return .members([
            "errcode": 0, "errmsg": "ok", "tagname": .string(tag.name),
            "userlist": .array(users.map { .members(["userid": .string($0.userID), "name": .string($0.name)]) }),
            "partylist": .ints(tag.departments.filter { visible.contains($0) }),
        ])
    }

    /// `GET agent/get?agentid=`: the app's own settings.
    func agent(_ call: APICall) throws(APIFault) -> JSON {
        guard let id = Int(try call.need("agentid", or: 40056)), corp.app(id) != nil else { throw APIFault(40056) }
        guard id == app.agentID else { throw APIFault(301002) }
        return .members([
            "errcode": 0, "errmsg": "ok", "agentid": .int(id), "name": .string(app.name), "square_logo_url": "", "description": "",
            "allow_userinfos": .members(["user": .array(app.visible.users.map { .members(["userid": .string($0)]) })]),
            "allow_partys": .members(["partyid": .ints(app.visible.departments)]),
            "allow_tags": .members(["tagid": .ints(app.visible.tags)]),
            "close": .int(app.isDisabled ? 1 : 0), "redirect_domain": .string(app.trustedDomains.first ?? ""),
            "report_location_flag": 0, "isreportenter": 0, "home_url": "",
        ])
    }
}
