import Access
import Bytes
import HTTP

/// A head with that method token and those fields.
func head(_ method: String, _ fields: [(String, String)] = [], body: BodyLength = .none, webSocket: Bool = false) -> RequestHead {
    var head = RequestHead()
    head.methodBytes = 0..<method.utf8.count
    head.fields.arena = Array(method.utf8)
    let known: [String: HTTP.Method] = [
        "GET": .get, "HEAD": .head, "POST": .post, "PUT": .put, "DELETE": .delete, "OPTIONS": .options, "PATCH": .patch, "CONNECT": .connect,
        "TRACE": .trace,
    ]
    head.method = known[method] ?? .other
    for (name, value) in fields { head.fields.append(name, value) }
    head.body = body
    head.isWebSocket = webSocket
    return head
}

func fields(_ list: [(String, String)]) -> Fields { head("GET", list).fields }

func member(_ account: String = "zhangsan") -> Member {
    var member = Member(connection: "corp", corp: "ww0123456789abcdef", user: account, account: account)
    member.name = "张三"
    member.email = "zhangsan@corp.example"
    member.departments = [2, 5, 1]
    member.tags = [7]
    return member
}

/// A member who has just logged in, at noon of 2026-01-05 (a Monday) in UTC, from 192.0.2.7.
extension Circumstances {
    static let noon = Circumstances(client: IPAddress("192.0.2.7"), now: WallTime(seconds: 1_767_614_400))
}

extension Policy {
    func decide(path: [UInt8], method: RuleMethod, member: Member?) -> Decision {
        decide(rule: rule(path: path, method: method), member: member)
    }
    func decide(rule: Int, member: Member?) -> Decision {
        decide(rule: rule, subject: member.map { Subject($0, authTime: Circumstances.noon.now) }, .noon)
    }
}

func session(_ member: Member = member(), lastSeen: Int64 = 1000) -> SessionRecord {
    SessionRecord(
        sid: "c2Vzc2lvbi1pZC0xMjM0NTY", member: member, authTime: WallTime(seconds: 990), amr: ["wecom"], created: WallTime(seconds: 1000),
        lastSeen: WallTime(seconds: lastSeen), expires: WallTime(seconds: 1000 + 7 * 86400), checked: WallTime(seconds: 1000), address: "203.0.113.9",
        userAgent: "curl/8")
}
