internal import Bytes

/// A ticket for JS-SDK signatures.
struct PageTicket: Sendable {
    var text: String
    var expires: WallTime
    var corp: String
    /// nil: the whole corp's.
    var agent: Int?
}

/// The tickets that pages are signed with: `get_jsapi_ticket` for the corp, `ticket/get?type=agent_config` for the app (D/90506). The same one comes while it
/// lives; at most 400 an hour for a corp, 100 for an app (D/90454).
extension SimulatedWorld {
    mutating func pageTicket(_ call: APICall, from caller: APICaller, now: WallTime, random: inout some RandomNumberGenerator) throws(APIFault) -> JSON {
        let agent: Int?
        if call.api == "get_jsapi_ticket" {
            agent = nil
        } else {
            guard call.form["type"] == "agent_config" else { throw APIFault(91040) }
            agent = caller.app.agentID
        }
        let name = "\(call.api) \(caller.corp.id) \(agent ?? 0)"
        let hour = now.seconds / 3600
        let before = hourly[name].flatMap { $0.hour == hour ? $0.count : nil } ?? 0
        if before >= (agent == nil ? 400 : 100) { throw APIFault(45009) }
        hourly[name] = (hour, before + 1)
        let life = settings.pageTicketLifetime
        var ticket = pageTickets[name].flatMap { $0.expires > now ? $0 : nil }
            ?? PageTicket(text: Self.opaque(86, &random), expires: now.advanced(by: life), corp: caller.corp.id, agent: agent)
        if ticket.expires.seconds <= now.seconds { ticket.expires = now.advanced(by: life) }
        pageTickets[name] = ticket
        return .members([
            "errcode": 0, "errmsg": "ok", "ticket": .string(ticket.text), "expires_in": .int(Int(ticket.expires.seconds - now.seconds)),
        ])
    }

    /// For tests that check signatures: `[{"corpid","agentid","ticket"}]`, `agentid` null for the corp's.
    var pageTicketReport: JSON {
        .array(pageTickets.sorted { $0.key < $1.key }.map { _, ticket in
            .members(["corpid": .string(ticket.corp), "agentid": ticket.agent.map { .int($0) } ?? .null, "ticket": .string(ticket.text)])
        })
    }
}
