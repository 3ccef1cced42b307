internal import Bytes

extension SimulatedWorld {
    /// `GET auth/getuserinfo?access_token=&code=` (D/96442) and the older `user/getuserinfo` with its other casing. A member is named whether or
    /// not they are in the app's visible range. With a good code the call is exempt from the limits (D/90454).
    mutating func userInfo(_ call: APICall, from caller: APICaller, now: WallTime, random: inout some RandomNumberGenerator) throws(APIFault) -> JSON {
        do throws(APIFault) {
            let text = try call.need("code", or: 41008)
            guard let code = codes[text], code.corp == caller.corp.id else { throw APIFault(40029) }
            guard code.expires > now else {
                codes[text] = nil
                throw APIFault(40029)
            }
            // The domain is compared with the app of the token: a foreign app's token meets this first.
            guard caller.app.allows(authority: code.authority, way: code.way) else { throw APIFault(50001) }
            guard code.agent == nil || code.agent == caller.app.agentID else { throw APIFault(40029) }
            codes[text] = nil
            let ticket = ticket(for: code, from: caller, now: now, random: &random)
            return call.api == "auth/getuserinfo" ? Self.newShape(code.person, ticket) : Self.oldShape(code.person, ticket, settings.ticketLifetime)
        } catch {
            try count(api: call.api, corp: caller.corp.id, now: now)
            throw error
        }
    }

    /// A `user_ticket` comes with snsapi_privateinfo only, and only for members in the visible range. The web login never gives one.
    private mutating func ticket(for code: Code, from caller: APICaller, now: WallTime, random: inout some RandomNumberGenerator) -> String? {
        guard code.wantsPrivate, code.way == .app, case .member(let member) = code.person,
              caller.corp.isVisible(member, to: caller.app) else { return nil }
        return issueTicket(corp: caller.corp.id, agent: caller.app.agentID, userID: member.userID, now: now, random: &random)
    }

    private static func newShape(_ person: SimulatedPerson, _ ticket: String?) -> JSON {
        var members: [JSON.Member] = [.init(name: "errcode", value: 0), .init(name: "errmsg", value: "ok")]
        switch person {
        case .member(let member): members.append(.init(name: "userid", value: .string(member.userID)))
        case .linked(let id, _): members.append(.init(name: "userid", value: .string(id)))
        case .outsider(let openID, let external, _):
            members.append(.init(name: "openid", value: .string(openID)))
            if let external { members.append(.init(name: "external_userid", value: .string(external))) }
        }
        if let ticket { members.append(.init(name: "user_ticket", value: .string(ticket))) }
        return .object(members)
    }

    private static func oldShape(_ person: SimulatedPerson, _ ticket: String?, _ lifetime: Duration) -> JSON {
        var members: [JSON.Member] = []
        switch person {
        case .member(let member): members.append(.init(name: "UserId", value: .string(member.userID)))
        case .linked(let id, _): members.append(.init(name: "UserId", value: .string(id)))
        case .outsider(let openID, let external, _):
            members.append(.init(name: "OpenId", value: .string(openID)))
            if let external { members.append(.init(name: "external_userid", value: .string(external))) }
        }
        members.append(.init(name: "DeviceId", value: "10000556333395ZN"))
        if let ticket {
            members.append(.init(name: "user_ticket", value: .string(ticket)))
            members.append(.init(name: "expires_in", value: .int(Int(lifetime.components.seconds))))
        }
        return .object(members + [.init(name: "errcode", value: 0), .init(name: "errmsg", value: "ok")])
    }

    /// `POST auth/getuserdetail?access_token=` `{"user_ticket":"…"}` (D/95833): what the member agreed to show. The name is not in it; the older
    /// `user/getuserdetail` has it, with the departments.
    mutating func userDetail(_ call: APICall, from caller: APICaller, now: WallTime) throws(APIFault) -> JSON {
        guard let text = JSON(parsing: call.body)?["user_ticket"]?.text, !text.isEmpty else { throw APIFault(40063) }
        guard let ticket = tickets[text], ticket.corp == caller.corp.id, ticket.agent == caller.app.agentID, ticket.expires > now else {
            throw APIFault(40058)
        }
        guard let member = caller.corp.member(ticket.userID) else { throw APIFault(60111) }
        guard caller.corp.isVisible(member, to: caller.app) else { throw APIFault(60011) }
        var members: [JSON.Member] = [
            .init(name: "errcode", value: 0), .init(name: "errmsg", value: "ok"), .init(name: "userid", value: .string(member.userID)),
        ]
        if call.api == "user/getuserdetail" {
            members += [
                .init(name: "name", value: .string(member.name)), .init(name: "department", value: .array(member.departments.map { .int($0) })),
            ]
        }
        members += [
            .init(name: "gender", value: "0"), .init(name: "avatar", value: ""),
            .init(name: "qr_code", value: "https://open.work.weixin.qq.com/wwopen/userQRCode?vcode=simulated"),
            .init(name: "mobile", value: .string(member.mobile)), .init(name: "email", value: .string(member.email)),
            .init(name: "biz_mail", value: .string(member.bizMail)), .init(name: "address", value: ""),
        ]
        return .object(members)
    }
}
