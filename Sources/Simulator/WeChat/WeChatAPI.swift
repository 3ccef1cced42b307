internal import Bytes

/// WeChat's server API for website apps (`/sns/…`). Where all is well there is no `errcode`, and the type is `text/plain` either way.
extension SimulatedWeChat {
    mutating func answer(_ call: APICall, now: WallTime, random: inout some RandomNumberGenerator) throws(APIFault) -> JSON {
        switch call.api {
        case "sns/oauth2/access_token": return try accessToken(call, now: now, random: &random)
        case "sns/userinfo": return try userInfo(call, now: now)
        default: throw APIFault(48005)
        }
    }

    /// `GET sns/oauth2/access_token?appid=&secret=&code=&grant_type=authorization_code`. App and secret are looked at before the code.
    private mutating func accessToken(_ call: APICall, now: WallTime, random: inout some RandomNumberGenerator) throws(APIFault) -> JSON {
        guard let app = app(try call.need("appid", or: 41002)) else { throw APIFault(40013, "invalid appid") }
        guard try call.need("secret", or: 41004) == app.secret else { throw APIFault(40125) }
        guard call.form["grant_type"] == "authorization_code" else { throw APIFault(40002) }
        guard app.isApproved else { throw APIFault(48001) }
        let text = try call.need("code", or: 41008)
        guard let code = codes[text], code.appID == app.appID, let user = user(code.user) else { throw APIFault(40029) }
        guard !code.isSpent else { throw APIFault(40163) }
        guard code.expires > now else { throw APIFault(42003) }
        codes[text]?.isSpent = true
        var members: [JSON.Member] = [
            .init(name: "access_token", value: .string(issueToken(appID: app.appID, user: user.key, now: now, random: &random))),
            .init(name: "expires_in", value: 7200), .init(name: "refresh_token", value: .string(SimulatedWorld.opaque(110, &random))),
            .init(name: "openid", value: .string(user.openID(with: app.appID))), .init(name: "scope", value: "snsapi_login"),
        ]
        if app.hasUnionIDs { members.append(.init(name: "unionid", value: .string(user.unionID))) }
        return .object(members)
    }

    /// `GET sns/userinfo?access_token=&openid=&lang=`
    private func userInfo(_ call: APICall, now: WallTime) throws(APIFault) -> JSON {
        let text = try call.need("access_token", or: 41001)
        let openID = try call.need("openid", or: 41009)
        guard let token = tokens[text], let app = app(token.appID), let user = user(token.user) else { throw APIFault(40001) }
        guard token.expires > now else { throw APIFault(42001) }
        guard openID == user.openID(with: app.appID) else { throw APIFault(40003, "invalid openid") }
        var members: [JSON.Member] = [
            .init(name: "openid", value: .string(openID)), .init(name: "nickname", value: .string(user.nickname)), .init(name: "sex", value: 0),
            .init(name: "language", value: ""), .init(name: "city", value: ""), .init(name: "province", value: ""), .init(name: "country", value: ""),
            .init(name: "headimgurl", value: ""), .init(name: "privilege", value: .array([])),
        ]
        if app.hasUnionIDs { members.append(.init(name: "unionid", value: .string(user.unionID))) }
        return .object(members)
    }
}
