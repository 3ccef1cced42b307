internal import Bytes

/// Why the control interface refuses.
struct ControlFault: Error, Equatable {
    var status: Int
    var text: String
    init(_ text: String, status: Int = 400) {
        self.status = status
        self.text = text
    }
}

/// The control interface, for tests. `POST /_simulator/NAME` with a JSON object (`Content-Type: application/json`) answers `{"ok":true}`, or 400/404
/// with `{"error":TEXT}`. `corpid` may be left out: the first corp; `agentid` too: its first app.
///
/// | NAME | body | does |
/// |---|---|---|
/// | `scan` | `{"userid":"lisi"}` or `{"refuse":true}`, `{}`: nobody | the next web login page that is loaded outside a frame goes on at once, as that person, once |
/// | `phone` | `{"userid":"lisi"}` | who holds the phone in the in-app login (before that: the cookie or query item `sim_user`) |
/// | `faults` | `{"api":"user/get", …, "times":3, "delay_ms":200}` with one of `"errcode":60011` (and `"errmsg"`), `"status":502`, `"answer":"html\|empty\|invalid_json\|wrong_types\|huge\|redirect"`, or none (only the delay) | a fault for that API (`*`: all), for so many calls (absent: until cleared) |
/// | `clear-faults` | | takes all faults back |
/// | `clear-calls` | | forgets the log of calls |
/// | `revoke-tokens` · `expire-tokens` | | from now on 40014 · 42001 for all tokens issued so far |
/// | `clock` | `{"advance":301}` | seconds by which the simulator's clock goes forward |
/// | `settings` | any of `token_lifetime code_lifetime ticket_lifetime page_ticket_lifetime calls_per_minute` (numbers), `reuse_tokens` (boolean) | see `SimulatedWorld.Settings` |
/// | `trusted-domains` | `{"domains":["auth.test:12345"]}` | the trusted domains of every app of every corp; kept by `reset` |
/// | `corp` | `{"corpid":"wl0123456789","name"}` | adds a corp with an empty root department, or renames one |
/// | `member` | `{"corpid","userid","name","departments":[2],"position","status":2,"mobile","email","biz_mail"}`, or `{"userid","removed":true}`; `"new_userid"` gives another id | changes, adds or removes a member |
/// | `app` | `{"corpid","agentid","secret","trusted_domains":[],"web_callback_domains":[],"visible":{"users":[],"departments":[],"tags":[]},"trusted_ips":[] or null,"disabled","private_fields"}` | changes an app; a new `agentid` with a `secret` adds one |
/// | `department` | `{"corpid","id":8,"name","parent":2}`, or `{"id":8,"removed":true}` | changes, adds or removes a department |
/// | `tag` | `{"corpid","tagid":1,"name","users":[],"departments":[]}`, or `{"tagid":1,"removed":true}` | changes, adds or removes a tag |
/// | `wechat-app` | `{"appid","secret","name","callback_domains":["auth.test"],"union_ids","approved"}` | changes a website app of WeChat (absent: the first); a new `appid` with a `secret` adds one |
/// | `wechat-user` | `{"userid","nickname","unionid"}`, or `{"userid","removed":true}` | changes, adds or removes somebody with WeChat |
/// | `callback` | `{"corpid","agentid","url","token","aes_key","connect_to":"127.0.0.1:8443","patience_ms":1000}`, `"url":null` | where events go: the app's with `agentid`, else contact-sync's. The address is checked as WeCom does: 400 where it does not answer within 1 s. From then on each change of members, departments, tags and visible ranges is told, three attempts of 5 s |
/// | `event` | `{"corpid","agentid","members":{"Event":"change_contact","ChangeType":"delete_user","UserID":"lisi"},"sender","fault","json":true}`, or `"message"` with the whole text | sends one event, once, and answers with the `status`; `fault`: `signature timestamp receiveid padding replay` |
/// | `reset` | | everything as at the start, but for `trusted-domains` |
///
/// `GET /_simulator/calls`: `{"counts":{"gettoken":1,…},"calls":[{"api","errcode","corpid","agentid","userid","time_ms"},…]}`, the pages included, the
/// last 1000. `GET /_simulator/deliveries`: `{"deliveries":[{"corpid","event","attempts","status"},…]}`. `GET /_simulator/people`: who may be chosen, by corp; `wechat-people` the same for WeChat, with `unionid` and `openid` by app.
/// `GET /_simulator/page-tickets`: the tickets of JS-SDK signatures.
extension SimulatedWorld {
    mutating func control(_ name: String, _ body: JSON, initial: SimulatedWorld, now: WallTime) throws(ControlFault) {
        switch name {
        case "scan": nextScan = body["refuse"]?.flag == true ? .refuse : body["userid"]?.text.map { .person($0) }
        case "phone": phoneUser = try Self.text(body, "userid")
        case "faults": try plan(body)
        case "clear-faults": faults.removeAll()
        case "clear-calls": log = CallLog()
        case "revoke-tokens": revokeTokens()
        case "expire-tokens": expireTokens(now: now)
        case "clock": settings.clockOffset += .seconds(try Self.number(body, "advance", 0...10_000_000))
        case "settings": try set(body)
        case "corp": try changeCorp(body)
        case "member": try changeMember(body)
        case "app": try changeApp(body)
        case "department": try changeDepartment(body)
        case "tag": try changeTag(body)
        case "wechat-app": try wechat.changeApp(body)
        case "wechat-user": try wechat.changeUser(body)
        case "trusted-domains":
            guard let domains = try Self.texts(body, "domains") else { throw ControlFault("domains: a list of strings") }
            trustEverywhere(domains)
        case "reset":
            let domains = trustedEverywhere
            self = initial
            if let domains { trustEverywhere(domains) }
        default: throw ControlFault("no such control: see the table in the documentation", status: 404)
        }
    }

    /// What can be asked with GET.
    func report(_ name: String) -> JSON? {
        switch name {
        case "calls": return log.json
        case "people":
            return .object(corps.map { corp in
                .init(name: corp.id, value: .array(corp.people.map { .members(["userid": .string($0.key), "name": .string($0.name)]) }))
            })
        case "wechat-people": return wechat.peopleReport
        case "page-tickets": return pageTicketReport
        default: return nil
        }
    }

    private mutating func plan(_ body: JSON) throws(ControlFault) {
        let api = try Self.text(body, "api")
        guard api == "*" || APICall.known.contains(api) else { throw ControlFault("api: not simulated") }
        let answers: [String: FaultPlan.Answer] = [
            "html": .html, "empty": .empty, "invalid_json": .invalidJSON, "wrong_types": .wrongTypes, "huge": .huge, "redirect": .redirect,
        ]
        var answer = FaultPlan.Answer.genuine
        if let code = body["errcode"] {
            guard let code = code.number else { throw ControlFault("errcode: a number") }
            answer = .errcode(code, body["errmsg"]?.text)
        } else if body["status"] != nil {
            answer = .status(try Self.number(body, "status", 200...599))
        } else if let word = body["answer"] {
            guard let known = word.text.flatMap({ answers[$0] }) else { throw ControlFault("answer: \(answers.keys.sorted().joined(separator: " "))") }
            answer = known
        }
        let delay = body["delay_ms"] == nil ? 0 : try Self.number(body, "delay_ms", 0...60_000)
        let times = body["times"] == nil ? nil : try Self.number(body, "times", 1...1_000_000)
        guard faults.add(.init(api: api, answer: answer, delay: delay, times: times)) else { throw ControlFault("there are 100 faults already") }
    }

    private mutating func set(_ body: JSON) throws(ControlFault) {
        let seconds = 1...10_000_000
        if body["token_lifetime"] != nil { settings.tokenLifetime = .seconds(try Self.number(body, "token_lifetime", seconds)) }
        if body["code_lifetime"] != nil { settings.codeLifetime = .seconds(try Self.number(body, "code_lifetime", seconds)) }
        if body["ticket_lifetime"] != nil { settings.ticketLifetime = .seconds(try Self.number(body, "ticket_lifetime", seconds)) }
        if body["page_ticket_lifetime"] != nil { settings.pageTicketLifetime = .seconds(try Self.number(body, "page_ticket_lifetime", seconds)) }
        if body["calls_per_minute"] != nil { settings.callsPerMinute = try Self.number(body, "calls_per_minute", 0...1_000_000_000) }
        if let reuse = body["reuse_tokens"]?.flag { settings.reusesTokens = reuse }
    }

    static func text(_ body: JSON, _ name: String) throws(ControlFault) -> String {
        guard let text = body[name]?.text, !text.isEmpty else { throw ControlFault("\(name): a string") }
        return text
    }

    static func number(_ body: JSON, _ name: String, _ range: ClosedRange<Int>) throws(ControlFault) -> Int {
        guard let number = body[name]?.number, range.contains(number) else { throw ControlFault("\(name): \(range.lowerBound)…\(range.upperBound)") }
        return number
    }
}
